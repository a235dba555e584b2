"""Every step of a real plan is made to fail once, on a real host; the host must be as it was."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import count
from typing import Any

import pytest

from lab import Lab
from lab.host import LabHost
from tests.root.conftest import host_make, host_ready
from tests.root.in_host import (
    argv,
    containers,
    docker0,
    engine_install,
    engine_run,
    file_state,
    recorded_subnet,
    serves,
)

ODD = '{\n\t"log-level" :"warn",   "shutdown-timeout": 15\n}'
SPEC = {"network": "bridge", "subnet": "192.168.225.0/24"}
OLD = "172.17.0.0/16"
JOBS = count(1)

# The steps of the plan on a host without live-restore; the test fails if a plan has others.
STEPS = (
    "remember", "write_config", "validate_config", "docker_stop", "link_set", "address_remove",
    "address_add", "link_set", "docker_start", "hold_range", "start_containers",
    "forget_connections", "verify_layers", "verify_containers", "look_again",
)  # fmt: skip


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A sysv host with an odd daemon.json of odd mode, containers with and without a policy."""
    one = host_make(lab, "sysv")
    one.write("/etc/docker/daemon.json", ODD, 0o640)
    yield populated(one)
    lab.remove(one)


@pytest.fixture(scope="module")
def full_host(lab: Lab) -> Iterator[LabHost]:
    """A systemd host without a daemon.json."""
    one = host_make(lab, "systemd")
    yield populated(one)
    lab.remove(one)


def populated(host: LabHost) -> LabHost:
    """Booted, with the engine and two containers."""
    host_ready(host)
    engine_install(host)
    host.start_container("plain", publish=["8080:80"])
    host.start_container("kept", restart="unless-stopped")
    return host


def ask(host: LabHost, **more: Any) -> dict[str, Any]:
    """What the driver is told; each job has an id of its own."""
    site = str(host.segment.site_address)
    job = f"/var/lib/dockernet/jobs/{next(JOBS)}"
    return {"spec": SPEC, "controller": [site], "job": job, **more}


def state(host: LabHost) -> dict[str, Any]:
    """All that a rollback must bring back."""
    return {
        "docker0": docker0(host),
        "record": recorded_subnet(host),
        "files": host.run("ls -A /etc/docker", check=False).stdout,
        "daemon.json": file_state(host, "/etc/docker/daemon.json"),
        "default": file_state(host, "/etc/default/docker"),
        "containers": {n: (c["running"], c["paused"]) for n, c in containers(host).items()},
    }


def static_routes(host: LabHost) -> list[str]:
    """Routes that a person added through docker0; whether it has a carrier is another matter."""
    shown = host.run("ip route show table all dev docker0 proto static").stdout
    return [line.replace("linkdown", "").strip() for line in shown.splitlines()]


def assert_as_before(host: LabHost, before: dict[str, Any]) -> None:
    """The same state, and containers that are of use in the old subnet."""
    assert state(host) == before
    for name, container in containers(host).items():
        if container["running"]:
            assert IPv4Address(container["ipv4"]) in IPv4Network(OLD), name
            assert container["kernel"] == [f"{container['ipv4']}/16"], name
    assert serves(host, 8080) == "plain"


def refused_by_step(host: LabHost, step: int, when: str) -> dict[str, Any]:
    """Apply with one step failing; returns the driver's answer."""
    answer = engine_run(host, "apply", ask(host, fault=[step, when]))
    kinds = tuple(s["kind"] for s in answer["plan"]["steps"])
    assert kinds == STEPS
    assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
    types = [e["type"] for e in answer["events"]]
    assert "step_failed" in types
    assert types[-1] == "rolled_back"
    return answer


@pytest.mark.parametrize("step", range(1, len(STEPS) + 1))
def test_it_is_as_it_was_when_a_step_fails_after_its_effect(host: LabHost, step: int) -> None:
    host.run("ip route replace 10.9.0.0/16 via 172.17.0.200 dev docker0 proto static")
    before, routes = state(host), static_routes(host)
    assert len(routes) == 1
    refused_by_step(host, step, "after")
    assert_as_before(host, before)
    assert static_routes(host) == routes


@pytest.mark.parametrize("kind", ["write_config", "docker_stop", "docker_start"])
def test_it_is_as_it_was_when_a_step_fails_before_its_effect(host: LabHost, kind: str) -> None:
    before = state(host)
    answer = refused_by_step(host, STEPS.index(kind) + 1, "before")
    assert_as_before(host, before)
    if kind != "docker_start":
        # Docker was never stopped, and is not now either.
        assert answer["outcome"]["outage_s"] is None or answer["outcome"]["outage_s"] < 1.5


def killed(host: LabHost, asked: dict[str, Any]) -> None:
    """Run a job that kills its own process."""
    done = host.run(argv("apply", asked), check=False, timeout=120)
    assert done.returncode != 0


@pytest.mark.parametrize("kind", ["write_config", "docker_stop", "address_remove", "docker_start"])
def test_it_settles_a_job_whose_process_was_killed(host: LabHost, kind: str) -> None:
    before = state(host)
    asked = ask(host, fault=[STEPS.index(kind) + 1, "kill-after"])
    killed(host, asked)
    answer = engine_run(host, "settle", asked)
    assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
    assert_as_before(host, before)
    again = engine_run(host, "settle", asked)
    assert again["outcome"] == answer["outcome"]
    assert again["events"] == []


def power_lost(host: LabHost, asked: dict[str, Any]) -> None:
    """Run a job until it says that its fault is reached, then pull the plug; boot again."""
    process = host.popen(argv("apply", asked), stdout=subprocess.PIPE, text=True)
    assert process.stdout
    deadline = time.monotonic() + 60
    while "POWER" not in process.stdout.readline():
        assert time.monotonic() < deadline
    host.power_off()
    process.kill()
    process.wait()
    host.boot()
    host.wait_docker()


@pytest.mark.parametrize("kind", ["write_config", "address_add", "start_containers"])
def test_it_settles_a_job_that_a_loss_of_power_cut_short(host: LabHost, kind: str) -> None:
    before = state(host)
    asked = ask(host, fault=[STEPS.index(kind) + 1, "power-after"])
    power_lost(host, asked)
    answer = engine_run(host, "settle", asked)
    assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
    assert_as_before(host, before)


def test_it_stays_as_it_was_through_a_reboot_after_all_those_rollbacks(host: LabHost) -> None:
    before = state(host)
    host.power_off()
    host.boot()
    host.wait_docker()
    host.run("docker start plain")
    assert_as_before(host, before)


@pytest.mark.parametrize("kind", ["docker_stop", "docker_start", "verify_containers"])
def test_it_rolls_back_under_systemd_too(full_host: LabHost, kind: str) -> None:
    before = state(full_host)
    assert before["daemon.json"].strip() == "absent"
    refused_by_step(full_host, STEPS.index(kind) + 1, "after")
    assert_as_before(full_host, before)


def test_it_settles_after_a_loss_of_power_under_systemd_and_stays_so(full_host: LabHost) -> None:
    before = state(full_host)
    asked = ask(full_host, fault=[STEPS.index("docker_start") + 1, "power-after"])
    power_lost(full_host, asked)
    answer = engine_run(full_host, "settle", asked)
    assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
    assert_as_before(full_host, before)
    full_host.reboot()
    full_host.wait_docker()
    full_host.run("docker start plain")
    assert_as_before(full_host, before)
