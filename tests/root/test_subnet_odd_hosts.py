"""Subnet changes on hosts that are set up in less usual ways: each goes back once, then goes on."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from lab import Lab
from lab.host import LabHost
from lab.image import IMAGE
from tests.root.in_host import (
    containers,
    docker0,
    engine_install,
    engine_run,
    file_state,
    recorded_subnet,
    serves,
)

NewHost = Callable[..., LabHost]
NEW = "192.168.225.0/24"


def asked(lab: Lab, job: str, *accept: str, **more: Any) -> dict[str, Any]:
    """What the driver is told."""
    return {
        "spec": {"network": "bridge", "subnet": NEW, "accept": list(accept)},
        "controller": [str(lab.segment.site_address)],
        "job": f"/var/lib/dockernet/jobs/{job}",
        **more,
    }


def last_step(host: LabHost, asked: dict[str, Any]) -> int:
    """The number of the plan's last step."""
    plan = engine_run(host, "plan", asked)
    assert plan["steps"], plan["findings"]
    return len(plan["steps"])


def back_and_forth(host: LabHost, lab: Lab, *accept: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fail in the last step, then succeed; return both answers."""
    fault = [last_step(host, asked(lab, "none", *accept)), "after"]
    back = engine_run(host, "apply", asked(lab, "back", *accept, fault=fault))
    assert back["outcome"]["state"] == "rolled_back", back["outcome"]
    before = docker0(host), recorded_subnet(host)
    assert NEW not in str(before)
    return back, engine_run(host, "apply", asked(lab, "forth", *accept))


def test_it_edits_docker_opts_where_a_network_flag_stands_there(
    lab: Lab, new_host: NewHost
) -> None:
    host = new_host("sysv", docker_opts="--log-level=warn --bip=172.20.0.1/16")
    engine_install(host)
    host.start_container("web", restart="always", publish=["8080:80"])
    files = ("/etc/default/docker", "/etc/docker/daemon.json")
    before = [file_state(host, path) for path in files]
    fault = [last_step(host, asked(lab, "none")), "after"]
    back = engine_run(host, "apply", asked(lab, "back", fault=fault))
    assert back["outcome"]["state"] == "rolled_back", back["outcome"]
    assert [file_state(host, path) for path in files] == before
    assert docker0(host) == ["172.20.0.1/16"]

    forth = engine_run(host, "apply", asked(lab, "forth"))
    assert forth["outcome"]["state"] == "succeeded", forth["outcome"]
    assert docker0(host) == ["192.168.225.1/24"]
    text = host.read("/etc/default/docker")
    assert "--log-level=warn" in text
    assert "192.168.225.1/24" in text
    assert "172.20" not in text
    assert file_state(host, files[1]) == before[1]
    assert serves(host, 8080) == "web"


@pytest.mark.parametrize("init", ["sysv", "systemd"])
def test_it_stops_the_containers_first_where_live_restore_is_on(
    init: str, lab: Lab, new_host: NewHost
) -> None:
    host = new_host(init, daemon_json={"live-restore": True})
    engine_install(host)
    policies = ("no", "on-failure", "always", "unless-stopped")
    for policy in policies:
        host.start_container(policy, restart=policy)
    _, forth = back_and_forth(host, lab)
    assert "stop_containers" in [s["kind"] for s in forth["plan"]["steps"]]
    assert forth["outcome"]["state"] == "succeeded", forth["outcome"]
    assert docker0(host) == ["192.168.225.1/24"]
    found = containers(host)
    assert all(IPv4Address(found[p]["ipv4"]) in IPv4Network(NEW) for p in policies)
    # Docker must not take them for stopped by hand: they come back by themselves.
    host.power_off()
    host.boot()
    host.wait_docker()
    assert containers(host)["unless-stopped"]["running"]


def crowd(host: LabHost) -> None:
    """Containers that depend on one another, on other networks, paused, stopped."""
    host.run("docker network create --subnet 10.77.0.0/24 front")
    host.start_container("base", publish=["8080:80"])
    run = f"docker run -d --init {IMAGE} sleep 9999"
    host.run(run.replace("-d", "-d --name rider --network container:base"))
    host.start_container("linked", args=["--link", "base:base"])
    host.start_container("frozen")
    host.run("docker pause frozen")
    host.start_container("fixed", args=["--network", "front", "--ip", "10.77.0.9"])
    host.run("docker network connect bridge fixed")
    host.run(run.replace("-d", "-d --name own --network host"))
    loop = f"docker run -d --name loop --restart always {IMAGE} sh -c"
    host.run([*loop.split(), "sleep 1; exit 3"])
    host.start_container("off")
    host.run("docker stop off")
    host.run("ip addr add 10.55.0.1/24 dev docker0")


def test_it_brings_back_a_crowd_of_odd_containers(lab: Lab, new_host: NewHost) -> None:
    host = new_host("sysv")
    engine_install(host)
    crowd(host)
    # A container that never stays up has no say in whether a change has succeeded.
    host.run("until [ $(docker inspect -f '{{.RestartCount}}' loop) -ge 2 ]; do sleep 0.1; done")
    before, addresses = containers(host), docker0(host)
    plan = engine_run(host, "plan", asked(lab, "none"))
    assert "extra-addresses" in [f["code"] for f in plan["findings"]]
    back = engine_run(host, "apply", asked(lab, "back", fault=[len(plan["steps"]), "after"]))
    assert back["outcome"]["state"] == "rolled_back", back["outcome"]
    assert sorted(docker0(host)) == sorted(addresses)
    assert_same_but_for_addresses(before, containers(host))

    forth = engine_run(host, "apply", asked(lab, "forth"))
    assert forth["outcome"]["state"] == "succeeded", forth["outcome"]
    assert docker0(host) == ["192.168.225.1/24"]
    after = containers(host)
    assert_same_but_for_addresses(before, after)
    assert "10.77.0.9/24" in after["fixed"]["kernel"]
    assert serves(host, 8080) == "base"


def assert_same_but_for_addresses(before: dict[str, Any], after: dict[str, Any]) -> None:
    """What ran runs, what was paused is paused, what was stopped is stopped."""
    for name, container in before.items():
        if name == "loop":
            continue
        for key in ("running", "paused"):
            assert after[name][key] == container[key], (name, key)


def batches(host: LabHost) -> None:
    """Containers that end with 0 when they are started a second time, and one that does not."""
    for policy in ("no", "on-failure"):
        run = f"docker run -d --name batch-{policy} --restart {policy} {IMAGE} sh -c"
        again = "if [ -e /ran ]; then sleep 0.2; exit 0; fi; touch /ran"
        host.run([*run.split(), f"trap 'exit 0' TERM; {again}; sleep 9999 & wait"])
        host.run(f"until docker exec batch-{policy} test -e /ran; do sleep 0.1; done")
    # It ends with 0 too, but only when it is told to.
    polite = f"docker run -d --name polite {IMAGE} sh -c"
    host.run([*polite.split(), "trap 'exit 0' TERM; sleep 9999 & wait"])


def running_after_batches(host: LabHost) -> list[str]:
    host.run("docker wait batch-no batch-on-failure", timeout=20)
    return [name for name, container in containers(host).items() if container["running"]]


def test_a_batch_that_ends_after_it_was_started_again_fails_no_change(
    lab: Lab, new_host: NewHost
) -> None:
    host = new_host("sysv")
    engine_install(host)
    batches(host)
    fault = [last_step(host, asked(lab, "none")), "after"]
    back = engine_run(host, "apply", asked(lab, "back", fault=fault))
    assert back["outcome"]["state"] == "rolled_back", back["outcome"]
    assert "Made to fail" in back["outcome"]["message"]
    assert running_after_batches(host) == ["polite"]

    host.run("docker rm -f batch-no batch-on-failure polite")
    batches(host)
    forth = engine_run(host, "apply", asked(lab, "forth"))
    assert forth["outcome"]["state"] == "succeeded", forth["outcome"]
    assert running_after_batches(host) == ["polite"]


def test_it_says_what_is_lost_when_people_accept_a_loss(lab: Lab, new_host: NewHost) -> None:
    host = new_host("sysv")
    engine_install(host)
    host.start_container("brief", rm=True)
    host.start_container("bound", publish=["172.17.0.1:8080:80"])
    host.start_container("web", publish=["8081:80"])
    before = docker0(host), file_state(host, "/etc/docker/daemon.json"), containers(host)
    plan = engine_run(host, "plan", asked(lab, "none"))
    blockers = [f["code"] for f in plan["findings"] if f["severity"] == "blocker"]
    assert blockers == ["removes-container", "host-ip-bound"]
    with pytest.raises(AssertionError, match="blockers"):
        engine_run(host, "apply", asked(lab, "refused"))
    now = docker0(host), file_state(host, "/etc/docker/daemon.json"), containers(host)
    assert now == before

    back, forth = back_and_forth(host, lab, "removes-container", "host-ip-bound")
    assert "brief" in back["outcome"]["message"]
    assert forth["outcome"]["state"] == "succeeded", forth["outcome"]
    found = containers(host)
    assert "brief" not in found
    assert not found["bound"]["running"]
    assert serves(host, 8081) == "web"


def test_it_undoes_a_configuration_that_dockerd_does_not_start_with(
    lab: Lab, new_host: NewHost
) -> None:
    host = new_host("systemd")
    engine_install(host)
    host.start_container("web", publish=["8080:80"])
    # dockerd dies at its next start, whatever we do to the network, until the file is gone.
    host.write(
        "/etc/systemd/system/docker.service.d/trap.conf",
        "[Service]\nExecStartPre=/bin/sh -c '! grep -q 192.168.225 /etc/docker/daemon.json'\n",
    )
    host.run("systemctl daemon-reload")
    answer = engine_run(host, "apply", asked(lab, "one"))
    assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
    assert docker0(host) == ["172.17.0.1/16"]
    assert file_state(host, "/etc/docker/daemon.json").strip() == "absent"
    assert serves(host, 8080) == "web"
