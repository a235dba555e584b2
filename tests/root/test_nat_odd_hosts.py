"""NAT changes where others have rules too, where packets are dropped, and where a step fails."""

from __future__ import annotations

from typing import Any

import pytest

from lab import Lab
from lab.host import LabHost
from tests.root.in_host import containers, engine_run, serves, serves_soon
from tests.root.nat_on_host import SUBNET, nat, nat_ask, reaches_out, rules, saved, source_seen


def succeeded(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["outcome"]["state"] == "succeeded", answer["outcome"]
    return answer


def without(host: LabHost, lab: Lab, job: str) -> None:
    succeeded(nat(host, lab, job, mode="none"))


def foreign(host: LabHost) -> list[str]:
    return [r for r in saved(host).splitlines() if "DOCKERNET" not in r and r.startswith("-A")]


def test_500_rules_of_others_keep_content_and_order(lab: Lab, bare: LabHost) -> None:
    lines = [
        f"-A POSTROUTING -s 10.{n // 250}.{n % 250}.0/24 -m comment --comment n{n} -j MASQUERADE"
        for n in range(500)
    ]
    before = saved(bare)
    bare.run("iptables-restore --noflush", input="\n".join(["*nat", *lines, "COMMIT", ""]))
    there = foreign(bare)
    assert len(there) >= 500
    answer = succeeded(nat(bare, lab, "f1", mode="masquerade"))
    assert foreign(bare) == there
    assert any("Rules of others: " in e["message"] for e in answer["events"])
    assert reaches_out(lab, bare, "c1")
    without(bare, lab, "f2")
    assert foreign(bare) == there
    bare.run("iptables -t nat -F POSTROUTING")
    assert saved(bare) == before


def test_it_opens_a_forward_that_drops_no_wider_than_asked(lab: Lab, bare: LabHost) -> None:
    bare.run("iptables -P FORWARD DROP")
    try:
        before = saved(bare)
        succeeded(nat(bare, lab, "w1", mode="masquerade", out_interface="eth0"))
        assert reaches_out(lab, bare, "c1")
        ours = rules(bare, "DOCKERNET-FORWARD")
        assert len(ours) == 2
        assert all(SUBNET in rule for rule in ours)
        assert "-i docker0 -o eth0" in "".join(ours)
        without(bare, lab, "w2")
        assert saved(bare) == before
        assert not reaches_out(lab, bare, "c1")
    finally:
        bare.run("iptables -P FORWARD ACCEPT")


def test_it_publishes_a_port_for_outside_for_the_host_and_for_neighbours(
    lab: Lab, bare: LabHost
) -> None:
    before = saved(bare)
    address = containers(bare)["c1"]["ipv4"]
    port = {"protocol": "tcp", "host_port": 8090, "to": f"{address}:80"}
    unused = {"protocol": "tcp", "host_port": 8091, "to": f"{address}:81"}
    answer = succeeded(nat(bare, lab, "p1", mode="masquerade", publish=[port, unused]))
    told = "\n".join(e["message"] for e in answer["events"])
    assert f"leads to {address}:80; a program answers" in told
    assert f"leads to {address}:81; no program listens there yet" in told
    assert serves(bare, 8090) == "c1"
    here = f"http://{bare.address}:8090/"
    assert bare.run(["busybox", "wget", "-qO-", here]).stdout.strip() == "c1"
    inside = bare.run(["docker", "exec", "c1", "wget", "-qO-", here], check=False)
    assert inside.stdout.strip() == "c1"
    assert source_seen(lab, bare, "c1", 9010) == str(bare.address)
    without(bare, lab, "p2")
    assert saved(bare) == before
    assert serves(bare, 8090) == ""


def test_a_port_waits_for_the_container_that_it_leads_to(lab: Lab, bare: LabHost) -> None:
    try:
        bare.start_container("late")
        address = containers(bare)["late"]["ipv4"]
        bare.run(["docker", "rm", "-f", "late"])
        port = {"protocol": "tcp", "host_port": 8092, "to": f"{address}:80"}
        answer = succeeded(nat(bare, lab, "l1", mode="masquerade", publish=[port]))
        told = "\n".join(e["message"] for e in answer["events"])
        assert f"leads to {address}:80; nobody answers there yet" in told
        assert serves(bare, 8092) == ""
        bare.start_container("late")
        assert containers(bare)["late"]["ipv4"] == address
        assert serves_soon(bare, 8092) == "late"
    finally:
        bare.run(["docker", "rm", "-f", "late"], check=False)
        without(bare, lab, "l2")


def test_what_is_excluded_keeps_its_source(lab: Lab, bare: LabHost) -> None:
    outside = str(lab.segment.network)
    lab.segment.run_outside(["ip", "route", "add", SUBNET, "via", str(bare.address)])
    try:
        answer = succeeded(nat(bare, lab, "e1", mode="masquerade", exclude=[outside]))
        told = "\n".join(e["message"] for e in answer["events"])
        assert "left as 172.17.255.254 towards" in told
        address = containers(bare)["c1"]["ipv4"]
        assert source_seen(lab, bare, "c1", 9011) == address
        without(bare, lab, "e2")
    finally:
        lab.segment.run_outside(["ip", "route", "del", SUBNET])


def test_it_makes_dockers_chain_where_docker_does_not(lab: Lab, bare: LabHost) -> None:
    before = saved(bare)
    succeeded(nat(bare, lab, "d1", mode="masquerade", docker_chain=True))
    assert ":DOCKER - " in saved(bare)
    assert "--dst-type LOCAL" in rules(bare, "DOCKERNET-PREROUTING")[0]
    assert "! -d 127.0.0.0/8" in rules(bare, "DOCKERNET-OUTPUT")[0]
    without(bare, lab, "d2")
    assert saved(bare) == before


def test_it_says_that_there_is_no_change_the_second_time(lab: Lab, bare: LabHost) -> None:
    succeeded(nat(bare, lab, "s1", mode="masquerade"))
    before = saved(bare)
    plan = engine_run(bare, "plan", nat_ask(lab, "s2", mode="masquerade"))
    assert [f["code"] for f in plan["findings"] if f["severity"] == "blocker"] == ["no-change"]
    assert saved(bare) == before
    without(bare, lab, "s3")


def test_it_puts_back_what_was_lost_and_says_what(lab: Lab, bare: LabHost) -> None:
    succeeded(nat(bare, lab, "k1", mode="masquerade"))
    whole = saved(bare)
    bare.run("iptables -t nat -F; iptables -t nat -X")
    missing = engine_run(bare, "keep", {})["missing"]
    assert "the chain DOCKERNET-POSTROUTING was gone" in missing
    assert saved(bare) == whole
    assert engine_run(bare, "keep", {})["missing"] == []
    without(bare, lab, "k2")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_step_that_fails_leaves_the_tables_as_they_were(
    lab: Lab, bare: LabHost, when: str
) -> None:
    succeeded(nat(bare, lab, f"r-{when}", mode="masquerade"))
    before, state = saved(bare), bare.read("/var/lib/dockernet/nat.json")
    asked = {"mode": "snat", "to_source": str(bare.address)}
    for step in range(1, 5):
        job = nat_ask(lab, f"r-{when}-{step}", **asked)
        answer = engine_run(bare, "apply", {**job, "fault": [step, when]})
        assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
        assert saved(bare) == before
        assert bare.read("/var/lib/dockernet/nat.json") == state
    without(bare, lab, f"r-{when}-none")


def test_it_settles_what_a_killed_job_left(lab: Lab, bare: LabHost) -> None:
    before = saved(bare)
    for step in (2, 3, 4):
        job = nat_ask(lab, f"x-{step}", mode="masquerade")
        with pytest.raises(AssertionError):
            engine_run(bare, "apply", {**job, "fault": [step, "kill-after"]})
        answer = engine_run(bare, "settle", job)
        assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
        assert saved(bare) == before
