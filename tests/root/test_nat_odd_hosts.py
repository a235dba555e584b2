"""NAT changes where others have rules too, where packets are dropped, and where a step fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab import Lab
from lab.host import LabHost
from tests.root.in_host import containers, engine_install, engine_run, serves
from tests.root.nat_on_host import SUBNET, nat, nat_ask, reaches_out, rules, saved, source_seen

NewHost = Callable[..., LabHost]
FAMILIES = ("nft", "legacy")


def bare_host(new_host: NewHost, family: str, **options: Any) -> LabHost:
    """A host whose Docker makes no rules, with one container that serves."""
    host = new_host(
        "sysv",
        legacy_iptables=family == "legacy",
        daemon_json={"iptables": False, "userland-proxy": False},
        **options,
    )
    engine_install(host)
    host.start_container("c1", restart="always")
    return host


@pytest.fixture(scope="module", params=FAMILIES)
def bare(request: pytest.FixtureRequest, lab: Lab) -> Any:
    """A host of each family for the tests of this module, which leave it as it was."""
    host = lab.sysv(
        f"nat-{request.param}",
        legacy_iptables=request.param == "legacy",
        daemon_json={"iptables": False, "userland-proxy": False},
    )
    host.boot()
    host.wait_docker()
    host.load_image()
    engine_install(host)
    host.start_container("c1", restart="always")
    # The tables exist from here on.
    host.run("for t in nat filter; do iptables -t $t -N x && iptables -t $t -X x; done")
    host.family = request.param
    yield host
    lab.remove(host)


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
    answer = succeeded(nat(bare, lab, "p1", mode="masquerade", publish=[port]))
    told = "\n".join(e["message"] for e in answer["events"])
    assert f"leads to {address}:80; a program answers" in told
    assert serves(bare, 8090) == "c1"
    here = f"http://{bare.address}:8090/"
    assert bare.run(["busybox", "wget", "-qO-", here]).stdout.strip() == "c1"
    inside = bare.run(["docker", "exec", "c1", "wget", "-qO-", here], check=False)
    assert inside.stdout.strip() == "c1"
    assert source_seen(lab, bare, "c1", 9010) == str(bare.address)
    without(bare, lab, "p2")
    assert saved(bare) == before
    assert serves(bare, 8090) == ""


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


HOSTILE = st.sampled_from(
    ["eth0 -j ACCEPT", "eth0\nCOMMIT\n*filter\n-P INPUT DROP", "$(reboot)", "`id`", "; id", '"',
     "'", "-F", "! eth0", "eth+", "\x00", "--modprobe=/bin/sh", "10.0.0.1\n-A INPUT -j DROP",
     "LOG", "QUEUE", "lo", "eth0"]
) | st.text(min_size=1, max_size=40)  # fmt: skip


def test_no_hostile_word_changes_a_table(bare: LabHost) -> None:
    """As every field of a specification, and as every part of a rule, given to each adapter."""
    bare.write("/tmp/hostile.py", HOSTILE_DRIVER)
    before = saved(bare)
    taken: list[int] = []

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(HOSTILE, min_size=25, max_size=40))
    def feed(words: list[str]) -> None:
        argv = ["env", "PYTHONPATH=/opt/engine-under-test", "python3", "/tmp/hostile.py"]
        done = bare.run(argv, input=json.dumps(words))
        counts = json.loads(done.stdout.splitlines()[-1])
        assert counts["refused"] > len(words)
        taken.append(counts["taken"])
        assert saved(bare) == before

    feed()
    assert sum(taken) > 0, "no word ever reached an adapter"


HOSTILE_DRIVER = '''
"""Tries each word as everything that a specification or a rule is made of."""
import json, sys
from netops.engine.adapters import firewall_legacy, host_ports
from netops.engine.adapters.firewall_restore import rules_restore
from netops.engine.desired_nat import parse
from netops.engine.errors import DockernetError
from netops.engine.nat.edits import ChainDelete, ChainSet
from netops.engine.nat.rule import Rule

words, refused, taken = json.load(sys.stdin), 0, 0
ports = host_ports()
family = ports.firewall.observe().backend
CHAIN = "DOCKERNET-FORWARD"


def adapters():
    yield ports.firewall.edit
    yield lambda edits: rules_restore(f"/usr/sbin/iptables-{family}-restore", edits)


good = {"subnet": "172.17.0.0/16", "mode": "masquerade"}
for word in words:
    for spec in (
        {**good, "out_interface": word}, {**good, "subnet": word}, {**good, "mode": word},
        {**good, "mode": "snat", "to_source": word}, {**good, "exclude": [word]},
        {**good, "publish": [{"protocol": word, "host_port": 1, "to": "172.17.0.2:1"}]},
        {**good, "publish": [{"protocol": "tcp", "host_port": word, "to": "172.17.0.2:1"}]},
        {**good, "publish": [{"protocol": "tcp", "host_port": 1, "to": word}]},
    ):
        try:
            parse(spec)
        except DockernetError:
            refused += 1
    for more in ({"out_link": word}, {"in_link": word}, {"comment": word}, {"target": word},
                 {"source": word}, {"to": word}, {"protocol": word}, {"l4_port": word}):
        try:
            rule = Rule(**{"target": "ACCEPT", "comment": "c", **more})
        except ValueError:
            refused += 1
            continue
        for edit in adapters():
            try:
                edit({"filter": [ChainSet(CHAIN, (rule,))]})
            except DockernetError:
                continue  # No such target: the table is what it was.
            taken += 1
            edit({"filter": [ChainDelete(CHAIN)]})
print(json.dumps({"refused": refused, "taken": taken}))
'''
