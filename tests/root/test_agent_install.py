"""The agent on real hosts of both inits: enrolled by the one line, through reboots, and gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hosts.bundle import enroll_command
from lab import Lab
from lab.host import LabHost
from netops.engine.observed import Observed
from netops.wire import Heartbeat, ObservationReport
from tests.agent.site import wait_until
from tests.root.enrolled import Enrolled, enrolling_on

LEFT_BEHIND = "find / -xdev -iname '*dockernet*' -not -path '/proc/*' 2>/dev/null"
AGENTS = "grep -l '[d]ockernet/lib' /proc/[0-9]*/cmdline 2>/dev/null"


@pytest.fixture
def enrolling(
    lab: Lab, new_host: Callable[..., LabHost], tmp_path: Path
) -> Iterator[Callable[[str], Enrolled]]:
    """`enrolling(init)`: a host that runs, a broker and a server that it reaches."""
    with enrolling_on(str(lab.segment.site_address), tmp_path) as enrolled:
        yield lambda init: enrolled(new_host(init))


@pytest.mark.parametrize("init", ["sysv", "systemd"])
def test_it_lives_as_a_service_and_leaves_nothing(
    enrolling: Callable[[str], Enrolled], init: str
) -> None:
    enrolled = enrolling(init)
    host = enrolled.host
    before = set(host.run(LEFT_BEHIND, check=False).stdout.split())

    assert f"the service dockernet-agent runs ({init})" in enrolled.enrol()
    report = enrolled.reports("start")[0]
    assert report.observed.hostname == host.name
    assert report.observed.service.manager == init
    assert report.observed.controller.link == "eth0"
    assert str(report.observed.controller.addresses[0]) == str(host.segment.site_address)
    assert host.run("stat -c %a /etc/dockernet/agent.json /etc/dockernet").stdout == "600\n700\n"
    assert host.run("service dockernet-agent status", check=False).returncode == 0

    pid = host.run(AGENTS).stdout.split("/")[2]
    host.run(f"kill -9 {pid}")
    wait_until(lambda: len(enrolled.reports("start")), lambda n: n == 2)

    boots = {b.boot_id for b in enrolled.site.said(Heartbeat)}
    host.power_off()
    host.boot()
    wait_until(lambda: len(enrolled.reports("start")), lambda n: n == 3)
    assert len(boots) == 1

    # Installing over it again works, and what the agent knows stays.
    host.run("mkdir -p /var/lib/dockernet/jobs/kept")
    enrolled.enrol()
    assert len(enrolled.reports("start")) == 4
    host.run("test -d /var/lib/dockernet/jobs/kept")
    enrolled.answers()

    host.run("dockernet-agent uninstall")
    assert set(host.run(LEFT_BEHIND, check=False).stdout.split()) <= before
    assert host.run(AGENTS, check=False).stdout == ""
    host.reboot()
    assert host.run(AGENTS, check=False).stdout == ""
    assert len(enrolled.reports("start")) == 4


def test_it_refuses_to_install_and_leaves_the_host_as_it_was(
    enrolling: Callable[[str], Enrolled],
) -> None:
    enrolled = enrolling("sysv")
    host = enrolled.host
    before = host.run(LEFT_BEHIND, check=False).stdout

    def refusal(line: str) -> str:
        done = host.run(line, check=False)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert host.run(LEFT_BEHIND, check=False).stdout == before
        return str(done.stderr)

    unknown = enroll_command(enrolled.server.url, "unknown")
    assert "used already" in refusal(unknown)
    assert "cannot reach" in refusal(enroll_command("http://127.0.0.1:1", "t"))
    line = enrolled.line("good")
    as_nobody = f"setpriv --reuid 65534 --clear-groups {line}"
    assert "as root" in refusal(as_nobody)
    assert "init is neither" in refusal(f"mkdir /run/openrc; {line}")
    host.run("rmdir /run/openrc")
    # None of them has used the token up.
    assert "runs (sysv)" in host.run(line, timeout=120).stdout


def test_it_reports_changes_by_itself_but_not_twice(
    enrolling: Callable[[str], Enrolled],
) -> None:
    enrolled = enrolling("sysv")
    host = enrolled.host
    enrolled.enrol()
    time.sleep(1)

    def changed(command: str, so: Callable[[Observed], bool]) -> None:
        """Run a command; what it did is reported (maybe after a report of what was before)."""
        host.run(command)
        wait_until(
            lambda: enrolled.reports("changed"),
            lambda said: bool(said) and so(said[-1].observed),
        )

    changed(
        "docker run -d --init --name web lab-busybox:1 sleep 600",
        lambda seen: "web" in [c.name for c in seen.containers],
    )
    changed(
        "ip address add 10.99.0.1/24 dev docker0",
        lambda seen: "10.99.0.1/24" in map(str, seen.addresses_of("docker0")),
    )
    changed(
        "ip route add 10.98.0.0/24 dev docker0",
        lambda seen: "10.98.0.0/24" in [str(r.destination) for r in seen.routes],
    )
    changed("service docker stop", lambda seen: not seen.daemon.running)
    changed("service docker start", lambda seen: seen.daemon.running)

    quiet = _quiet_count(enrolled)
    # Both in one process: a look between the two would rightly be told.
    host.run("printf 'link add x0 type veth peer name x1\\nlink del x0\\n' | ip -batch -")
    time.sleep(5)
    assert len(enrolled.site.said(ObservationReport)) == quiet


def _quiet_count(enrolled: Enrolled) -> int:
    """Return how many reports there are when none has come for five seconds."""
    while True:
        count = len(enrolled.site.said(ObservationReport))
        time.sleep(5)
        if len(enrolled.site.said(ObservationReport)) == count:
            return count


def test_it_does_not_wake_a_docker_that_somebody_stopped(
    enrolling: Callable[[str], Enrolled],
) -> None:
    enrolled = enrolling("systemd")
    host = enrolled.host
    enrolled.enrol()
    host.run("systemctl stop docker.service")
    wait_until(lambda: enrolled.reports("changed"), bool)
    assert not enrolled.answers().observed.daemon.running
    time.sleep(6)
    assert host.run("systemctl is-active docker.service", check=False).stdout == "inactive\n"
    assert host.run("systemctl is-active docker.socket", check=False).stdout == "active\n"
