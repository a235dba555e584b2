"""The proof of published ports, where a firewall closes them to clients and not to the host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab import Lab
from lab.host import LabHost
from tests.root.in_host import containers, docker0, engine_install, engine_run, file_state, serves
from tests.root.nat_on_host import nat, rules, saved
from tests.root.udp_on_host import Restless, start_udp

SPEC = {"network": "bridge", "subnet": "192.168.225.0/24"}
REJECT = "FORWARD -j REJECT --reject-with icmp-host-prohibited"
NewHost = Callable[..., LabHost]


def ask(lab: Lab, job: str, **more: Any) -> dict[str, Any]:
    """What the driver is told."""
    controller = [str(lab.segment.site_address)]
    return {"spec": SPEC, "controller": controller, "job": f"/var/lib/dockernet/jobs/{job}", **more}


@pytest.fixture(scope="module", params=["sysv", "systemd"])
def crowd(request: pytest.FixtureRequest, lab: Lab) -> Iterator[LabHost]:
    """A host with a web server, a UDP service that answers and one that only listens."""
    from tests.root.conftest import host_make, host_ready

    host = host_ready(host_make(lab, request.param, daemon_json={"userland-proxy": False}))
    engine_install(host)
    host.start_container("web", restart="always", publish=["8080:80"])
    start_udp(host, "echo", 5141, restart="always")
    start_udp(host, "syslog", 5140, restart="always", answers=False)
    yield host
    lab.remove(host)


def closed_in_mid_job(host: LabHost, lab: Lab, job: str, *closing: str) -> str:
    """Close ports to clients right after the start; returns how the change failed."""
    before = docker0(host), file_state(host, "/etc/docker/daemon.json")
    line = "; ".join(f"iptables -I DOCKER-USER {rule}" for rule in closing)
    try:
        asked = ask(lab, job, meanwhile=["start_containers", line])
        answer = engine_run(host, "apply", asked)
    finally:
        host.run("; ".join(f"iptables -D DOCKER-USER {rule}" for rule in closing), check=False)
    assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
    assert (docker0(host), file_state(host, "/etc/docker/daemon.json")) == before
    assert serves(host, 8080) == "web"
    return str(answer["outcome"]["message"])


def test_ports_that_close_in_mid_job_fail_the_change(crowd: LabHost, lab: Lab) -> None:
    """The host itself still reaches them, by OUTPUT; their clients come by FORWARD."""
    message = closed_in_mid_job(
        crowd,
        lab,
        "closed",
        "-p tcp --dport 80 -j DROP",
        "-p udp --dport 5140 -j DROP",
        "-p udp --dport 5141 -j REJECT",
    )
    silent, _, rejected = message.partition("Rejected by this host")
    assert "Silent, though it answered before: port 8080 of web, udp port 5140 of syslog." in silent
    assert "though it answered before: udp port 5141 of echo." in rejected


def test_a_udp_service_whose_answers_are_dropped_fails_the_change(crowd: LabHost, lab: Lab) -> None:
    message = closed_in_mid_job(crowd, lab, "answers", "-p udp --sport 5141 -j DROP")
    assert "Silent, though it answered before: udp port 5141 of echo." in message


def test_ports_that_answer_as_before_are_named(crowd: LabHost, lab: Lab) -> None:
    answer = engine_run(crowd, "apply", ask(lab, "fine"))
    assert answer["outcome"]["state"] == "succeeded", answer["outcome"]
    told = [e["message"] for e in answer["events"]]
    [line] = [text for text in told if text.startswith("Published ports answer as before")]
    for name in ("port 8080 of web", "udp port 5140 of syslog", "udp port 5141 of echo"):
        assert name in line
    saved_step = answer["plan"]["steps"]
    [forget] = [s for s in saved_step if s["kind"] == "forget_connections"]
    assert forget["params"]["ports"] == ["tcp 8080", "udp 5140", "udp 5141"]


@pytest.mark.parametrize("init", ["sysv", "systemd"])
def test_a_published_port_behind_a_reject_is_not_done(
    init: str, lab: Lab, new_host: NewHost
) -> None:
    """The filter table of RHEL with `"iptables": false` (case F15)."""
    host = new_host(init, daemon_json={"iptables": False, "userland-proxy": False})
    engine_install(host)
    host.start_container("c1", restart="always")
    host.run(f"iptables -A {REJECT}")
    before, address = saved(host), containers(host)["c1"]["ipv4"]
    asked = {
        "mode": "masquerade",
        "publish": [{"protocol": "tcp", "host_port": 8090, "to": f"{address}:80"}],
    }
    answer = nat(host, lab, "f15", **asked)
    assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
    assert "closed from outside" in answer["outcome"]["message"]
    assert f"-A {REJECT}" in answer["outcome"]["message"]
    assert saved(host) == before
    # Where clients of one link are let in, the packet of a probe proves nothing against it.
    host.run("iptables -I FORWARD -i eth0 -j ACCEPT; iptables -I FORWARD -o eth0 -j ACCEPT")
    answer = nat(host, lab, "eth0", **asked)
    assert answer["outcome"]["state"] == "succeeded", answer["outcome"]
    told = "\n".join(e["message"] for e in answer["events"])
    assert "A client's may pass by -A FORWARD -i eth0 -j ACCEPT" in told
    assert serves(host, 8090) == "c1"


def test_answers_that_a_rule_drops_are_not_done(lab: Lab, bare: LabHost) -> None:
    """The way in is open; the host itself gets the answers, which do not pass FORWARD."""
    bare.run("iptables -A FORWARD -i docker0 -j DROP")
    before, address = saved(bare), containers(bare)["c1"]["ipv4"]
    try:
        port = {"protocol": "tcp", "host_port": 8094, "to": f"{address}:80"}
        answer = nat(bare, lab, "answers", mode="none", publish=[port])
        assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
        message = answer["outcome"]["message"]
        assert "-A FORWARD -i docker0 -j DROP drops the answers of" in message
        assert saved(bare) == before
        assert rules(bare, "DOCKERNET-PREROUTING") == []
    finally:
        bare.run("iptables -D FORWARD -i docker0 -j DROP")


def test_a_published_udp_port_is_proved_by_an_answer(lab: Lab, bare: LabHost) -> None:
    before = saved(bare)
    start_udp(bare, "u1", 5142)
    try:
        address = containers(bare)["u1"]["ipv4"]
        port = {"protocol": "udp", "host_port": 5143, "to": f"{address}:5142"}
        answer = nat(bare, lab, "udp", mode="masquerade", publish=[port])
        assert answer["outcome"]["state"] == "succeeded", answer["outcome"]
        told = "\n".join(e["message"] for e in answer["events"])
        assert f"leads to {address}:5142; a program answers" in told
        with Restless(bare, 5143) as client:
            assert client.served_by() == "u1"
    finally:
        bare.run(["docker", "rm", "-f", "u1"])
        nat(bare, lab, "udp-none", mode="none")
    assert saved(bare) == before
