"""NAT rules where Docker makes networks anew and gives addresses to other containers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab import Lab
from lab.host import LabHost
from tests.root.in_host import containers, engine_install, engine_run, serves
from tests.root.nat_on_host import nat, nat_ask, reaches_out, saved
from tests.root.on_host import status

NewHost = Callable[..., LabHost]
APP = "10.66.0.0/24"
NO_RULES = {"iptables": False, "userland-proxy": False}
WEB = {"protocol": "tcp", "host_port": 8080, "to": "web:80"}


@pytest.fixture(params=["sysv", "systemd"])
def swapping(request: pytest.FixtureRequest, new_host: NewHost) -> LabHost:
    """A host whose Docker makes no rules, with web at 172.17.0.2 and admin at 172.17.0.3."""
    host = new_host(request.param, daemon_json=NO_RULES)
    engine_install(host)
    for name in ("web", "admin"):
        host.start_container(name, restart="always")
    assert address(host, "web") == "172.17.0.2"
    return host


def address(host: LabHost, name: str) -> str:
    return str(containers(host)[name]["ipv4"])


def swap(host: LabHost) -> None:
    """Have Docker give web's address to admin, as a restart may."""
    host.run("docker stop web admin && docker start admin && docker start web")
    assert address(host, "admin") == "172.17.0.2"
    assert address(host, "web") == "172.17.0.3"


def entry(host: LabHost, subnet: str = "172.17.0.0/16") -> dict[str, Any]:
    """What the audit says of a subnet."""
    found = engine_run(host, "audit", {})["nat"]
    return next(one for one in found if one["subnet"] == subnet)


def state(host: LabHost) -> dict[str, Any]:
    """The one setting on the host's disk."""
    (setting,) = json.loads(host.read("/var/lib/dockernet/nat.json"))["settings"]
    return dict(setting)


def succeeded(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["outcome"]["state"] == "succeeded", answer["outcome"]
    return answer


@contextmanager
def app_network(host: LabHost) -> Iterator[Callable[[], str]]:
    """Gives what makes network and container anew, as `compose down` and `up`; it returns the name
    of the bridge."""

    def up() -> str:
        host.run("docker rm -f one; docker network rm app", check=False)
        made = host.run(["docker", "network", "create", "--subnet", APP, "app"]).stdout.strip()
        host.start_container("one", args=["--network", "app"])
        return f"br-{made[:12]}"

    try:
        yield up
    finally:
        host.run("docker rm -f one; docker network rm app", check=False)


def test_rules_follow_a_network_that_is_made_anew(lab: Lab, bare: LabHost) -> None:
    before = saved(bare)
    with app_network(bare) as up:
        old = up()
        port = {"protocol": "tcp", "host_port": 8093, "to": "10.66.0.2:80"}
        asked = {"subnet": APP, "mode": "masquerade", "publish": [port]}
        succeeded(nat(bare, lab, "v1", **asked))
        assert serves(bare, 8093) == "one"
        new = up()
        assert new != old
        found = entry(bare, APP)
        assert found["state"] == "missing"
        assert old in found["message"]

        missing = engine_run(bare, "keep", {})["missing"]
        assert f"{APP} is on the bridge {new} now, no longer on {old}" in missing
        assert old not in saved(bare)
        assert f"! -o {new}" in saved(bare)
        assert state(bare)["bridge"] == new
        assert entry(bare, APP)["state"] == "present"
        assert reaches_out(lab, bare, "one")
        assert serves(bare, 8093) == "one"
        assert engine_run(bare, "keep", {})["missing"] == []

        # What goes back goes back to the rules for the bridge of now.
        whole = saved(bare)
        job = nat_ask(lab, "v2", **{**asked, "mode": "none"})
        answer = engine_run(bare, "apply", {**job, "fault": [2, "after"]})
        assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
        assert saved(bare) == whole
        succeeded(nat(bare, lab, "v3", subnet=APP, mode="none"))
    assert saved(bare) == before


def test_a_port_published_by_name_follows_its_container(lab: Lab, swapping: LabHost) -> None:
    succeeded(nat(swapping, lab, "f1", mode="masquerade", publish=[WEB]))
    assert serves(swapping, 8080) == "web"
    swap(swapping)
    found = entry(swapping)
    assert found["state"] == "missing"
    assert "web has 172.17.0.3 now" in found["message"]

    missing = engine_run(swapping, "keep", {})["missing"]
    assert missing == ["web has 172.17.0.3 now: port tcp 8080 leads there"]
    assert serves(swapping, 8080) == "web"
    assert state(swapping)["leads"][0]["address"] == "172.17.0.3"
    assert entry(swapping)["state"] == "present"

    # Another's address is never served, and a container that is back is found again.
    swapping.run("docker stop web")
    swapping.start_container("third", command=["sleep", "1000"])
    missing = engine_run(swapping, "keep", {})["missing"]
    assert missing == ["web has no address now: port tcp 8080 leads nowhere"]
    assert "dport 8080" not in saved(swapping)
    assert entry(swapping)["state"] == "missing"
    assert entry(swapping)["hint"] == "docker start web"
    swapping.run("docker start web")
    engine_run(swapping, "keep", {})
    assert serves(swapping, 8080) == "web"

    restart = "systemctl restart docker" if swapping.init == "systemd" else "service docker restart"
    swapping.run(restart)
    swapping.wait_docker()
    assert status(swapping)
    engine_run(swapping, "keep", {})
    assert serves(swapping, 8080) == "web"


def test_a_plain_address_that_another_container_has_is_told(lab: Lab, swapping: LabHost) -> None:
    port = {**WEB, "to": "172.17.0.2:80"}
    answer = succeeded(nat(swapping, lab, "q1", mode="masquerade", publish=[port]))
    codes = [f["code"] for f in answer["plan"]["findings"] if f["severity"] == "warning"]
    assert "publish-address-not-fixed" in codes
    swap(swapping)
    assert serves(swapping, 8080) == "admin"
    found = entry(swapping)
    assert found["state"] == "missing"
    assert "was set for web, and admin has 172.17.0.2 now" in found["message"]
    assert found["mend"]["publish"] == [WEB]

    succeeded(nat(swapping, lab, "q2", **found["mend"]))
    assert serves(swapping, 8080) == "web"
    assert entry(swapping)["state"] == "present"


@pytest.mark.parametrize("to", ["absent:80", "sleeper:80"])
def test_a_container_that_does_not_run_is_refused(lab: Lab, bare: LabHost, to: str) -> None:
    bare.start_container("sleeper", command=["true"])
    bare.run("docker wait sleeper")
    try:
        before = saved(bare)
        ask = nat_ask(lab, "z1", mode="masquerade", publish=[{**WEB, "to": to}])
        plan = engine_run(bare, "plan", ask)
        codes = [f["code"] for f in plan["findings"] if f["severity"] == "blocker"]
        assert codes == ["publish-container-unknown"]
        assert saved(bare) == before
    finally:
        bare.run("docker rm -f sleeper")


def test_ports_by_name_follow_a_subnet_that_moves(lab: Lab, swapping: LabHost) -> None:
    plain = {**WEB, "host_port": 8081, "to": "172.17.0.3:80"}
    succeeded(nat(swapping, lab, "s1", mode="masquerade", publish=[WEB, plain]))
    ask = {
        "kind": "subnet",
        "change": 8,
        "spec": {"network": "bridge", "subnet": "10.77.0.0/24"},
        "controller": [str(lab.segment.site_address)],
    }
    plan = engine_run(swapping, "plan", ask)
    lost = [f for f in plan["findings"] if f["code"] == "published-ports-are-lost"]
    assert ["8081" in f["message"] and "8080" not in f["message"] for f in lost] == [True]

    number = len(plan["steps"])
    job = {**ask, "job": "/var/lib/dockernet/jobs/s2", "fault": [number, "after"]}
    answer = engine_run(swapping, "apply", job)
    assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
    engine_run(swapping, "keep", {})
    assert serves(swapping, 8080) == "web"
    assert "10.77.0" not in saved(swapping)

    succeeded(engine_run(swapping, "apply", {**ask, "job": "/var/lib/dockernet/jobs/s3"}))
    assert serves(swapping, 8080) == "web"
    assert serves(swapping, 8081) == ""
    assert address(swapping, "web") in saved(swapping)
    assert "172.17." not in saved(swapping)
