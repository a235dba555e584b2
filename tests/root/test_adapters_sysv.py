"""What only a sysv host can get wrong: stale pidfiles, foreign daemons, iptables-legacy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab import SysvHost
from lab.host import LabHost
from tests.root.in_host import engine_install
from tests.root.on_host import on, status


@pytest.fixture
def host(sysv_host: SysvHost) -> SysvHost:
    """The session's sysv host, with the engine on it."""
    engine_install(sysv_host)
    return sysv_host


def test_a_stale_pidfile_names_no_docker_and_nobody_is_killed(host: SysvHost) -> None:
    on(host, "ports.service.stop(30); result = 0")
    victim = host.popen(["sleep", "60"])
    pid = host.run("pgrep -nx sleep").stdout.strip()
    host.run(f"echo {pid} > /run/docker-ssd.pid; echo {pid} > /run/docker.pid")
    states = on(
        host,
        """
result = [ports.service.state().active, ports.service.pid()]
ports.service.stop(5)
result.append(ports.service.state().active)
""",
    )
    assert states == [False, None, False]
    assert host.run(f"kill -0 {pid}", check=False).returncode == 0
    assert not status(host)
    assert host.run("ls /run/docker-ssd.pid", check=False).returncode != 0
    victim.kill()
    victim.wait()
    on(host, "bring_up(); result = 0")
    assert status(host)


def test_a_docker_that_does_not_end_is_reported_and_not_killed(host: SysvHost) -> None:
    pid = host.run("cat /run/docker-ssd.pid").stdout.strip()
    host.run(f"kill -STOP {pid}")
    try:
        said = on(host, "result = failure(lambda: ports.service.stop(1))")
        assert host.run(f"kill -0 {pid}", check=False).returncode == 0
    finally:
        host.run(f"kill -CONT {pid}")
    assert said == f"dockerd (pid {pid}) has not ended 1 s after SIGTERM."
    on(host, "ports.service.stop(30); bring_up(); result = 0")


def test_a_docker_that_the_script_did_not_start_is_left_alone(host: SysvHost) -> None:
    on(host, "ports.service.stop(30); result = 0")
    daemon = host.popen("exec dockerd -p /var/run/docker.pid >/dev/null 2>&1")
    try:
        on(host, "ports.docker.wait_until_answering(30); result = 0")
        said, problems = on(
            host,
            """
result = [failure(lambda: ports.service.stop(5)), seen()["problems"]]
""",
        )
        assert "/etc/init.d/docker did not start it" in said
        assert "did not start it" in problems[0]
        assert host.run("pgrep -x dockerd").stdout
    finally:
        host.run("kill $(cat /run/docker.pid)")
        daemon.wait()
    on(host, "bring_up(); result = 0")


def test_stopping_takes_no_second_more_than_docker_needs(host: SysvHost) -> None:
    """dockerd itself sleeps for a whole second unless its own containerd has ended before."""
    seconds = on(
        host,
        """
result = []
for _ in range(3):
    began = time.monotonic(); ports.service.stop(30); result.append(time.monotonic() - began)
    bring_up()
""",
    )
    assert min(seconds) < 0.8
    log = host.run("tail -n 3000 /var/log/docker.log").stdout
    assert "level=fatal" not in log


def test_stopping_with_containers_running_stops_them_in_good_order(host: SysvHost) -> None:
    host.start_container("kept", restart="always")
    on(host, "ports.service.stop(30); result = 0")
    assert host.run("pgrep containerd-shim", check=False).stdout == ""
    on(host, "bring_up(); result = 0")
    inspected = host.run(["docker", "inspect", "-f", "{{.State.Running}}", "kept"]).stdout
    assert inspected.strip() == "true"
    host.run("docker rm -f kept")


def test_it_reads_the_legacy_family_without_making_tables_of_the_other(
    new_host: Callable[..., LabHost],
) -> None:
    host = new_host("sysv", legacy_iptables=True)
    engine_install(host)
    host.run("iptables -A INPUT -s 172.17.0.0/16 -j ACCEPT")
    before = host.run("nft list tables 2>/dev/null; true").stdout
    firewall: dict[str, Any] = on(host, "result = seen()['firewall']")
    assert firewall["backend"] == "legacy"
    assert firewall["rules"] == ["-t filter -A INPUT -s 172.17.0.0/16 -j ACCEPT"]
    assert host.run("nft list tables 2>/dev/null; true").stdout == before
