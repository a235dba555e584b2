"""A subnet change end to end with the real engine inside real Docker hosts of both inits."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

import pytest

from lab import Lab
from lab.host import LabHost
from tests.root.in_host import (
    containers,
    docker0,
    engine_install,
    engine_run,
    file_state,
    recorded_subnet,
    serves,
)

POLICIES = ("no", "on-failure", "always", "unless-stopped")
NEW = "192.168.225.0/24"
SPEC = {"network": "bridge", "subnet": NEW}

NewHost = Callable[..., LabHost]


def four(host: LabHost) -> None:
    """A container of each restart policy, each with a published port."""
    for number, policy in enumerate(POLICIES):
        host.start_container(f"c-{policy}", restart=policy, publish=[f"{8080 + number}:80"])


def ask(lab: Lab, job: str, **more: Any) -> dict[str, Any]:
    """What the driver is told."""
    controller = [str(lab.segment.site_address)]
    return {"spec": SPEC, "controller": controller, "job": f"/var/lib/dockernet/jobs/{job}", **more}


def assert_all_on(host: LabHost, lab: Lab, subnet: str) -> None:
    """docker0 has exactly the address, every container runs in the subnet and is of use."""
    gateway = IPv4Network(subnet)[1]
    assert docker0(host) == [f"{gateway}/{IPv4Network(subnet).prefixlen}"]
    assert recorded_subnet(host) == subnet
    found = containers(host)
    assert set(found) == {f"c-{policy}" for policy in POLICIES}
    for name, container in found.items():
        assert container["running"], name
        interface = IPv4Interface(f"{container['ipv4']}/{container['prefixlen']}")
        assert interface.network == IPv4Network(subnet), name
        assert container["kernel"] == [str(interface)], name
        target = str(lab.segment.router_address)
        host.run(["docker", "exec", name, "ping", "-c1", "-W2", target])
    for number, policy in enumerate(POLICIES):
        assert serves(host, 8080 + number) == f"c-{policy}"


@pytest.mark.parametrize("init", ["sysv", "systemd"])
def test_it_changes_the_subnet_and_keeps_it_through_a_power_loss(
    init: str, lab: Lab, new_host: NewHost
) -> None:
    host = new_host(init)
    engine_install(host)
    four(host)
    answer = engine_run(host, "apply", ask(lab, "one"))
    outcome, events = answer["outcome"], answer["events"]

    assert outcome["state"] == "succeeded", outcome
    assert_all_on(host, lab, NEW)
    assert '"bip": "192.168.225.1/24"' in host.read("/etc/docker/daemon.json")
    assert 0.2 < outcome["outage_s"] < 15
    found = {c["name"]: c["to"] for c in outcome["containers"]}
    assert found == {name: c["ipv4"] for name, c in containers(host).items()}
    steps = answer["plan"]["steps"]
    assert [e["step"] for e in events if e["type"] == "step_done"] == [*range(1, len(steps) + 1)]
    typed = " ".join(s["command"] for s in steps)
    stop = (
        "service docker stop" if init == "sysv" else "systemctl stop docker.socket docker.service"
    )
    for command in (stop, "ip link set dev docker0 down", "ip addr del 172.17.0.1/16 dev docker0",
                    "ip addr add 192.168.225.1/24 dev docker0", "ifconfig docker0"):  # fmt: skip
        assert command in typed

    host.power_off()
    host.boot()
    host.wait_docker()
    # No one starts what has no restart policy after a loss of power; nor did anyone before.
    host.run("docker start c-no c-on-failure")
    assert_all_on(host, lab, NEW)


def test_it_refuses_a_job_id_that_was_used(lab: Lab, new_host: NewHost) -> None:
    host = new_host("sysv")
    engine_install(host)
    host.run("mkdir -p /var/lib/dockernet/jobs/used")
    before = docker0(host), file_state(host, "/etc/docker/daemon.json")
    with pytest.raises(AssertionError, match="carried out before"):
        engine_run(host, "apply", ask(lab, "used"))
    assert (docker0(host), file_state(host, "/etc/docker/daemon.json")) == before
