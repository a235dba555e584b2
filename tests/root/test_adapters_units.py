"""Units that stop with Docker's, as systemd itself stops them, and their start afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from lab import SystemdHost, SysvHost
from lab.host import LabHost
from tests.root.conftest import host_tidy
from tests.root.in_host import engine_install
from tests.root.on_host import on
from tests.root.units import ALONE, STOPPED, WITH_DOCKER, active, units_make, units_remove

ALL = {**WITH_DOCKER, **ALONE, **STOPPED}
SETTLED = """
end = time.monotonic() + 20
while ports.service.units_down(names) and time.monotonic() < end:
    time.sleep(0.05)
"""


@pytest.fixture
def host(systemd_host: SystemdHost) -> Iterator[SystemdHost]:
    """The session's systemd host with the engine and, running, the units of units.py."""
    host_tidy(systemd_host)
    engine_install(systemd_host)
    units_make(systemd_host, ALL)
    systemd_host.run(["systemctl", "start", "--", *WITH_DOCKER, *ALONE])
    systemd_host.run("systemctl --job-mode=ignore-dependencies stop gap by-hand")
    yield systemd_host
    units_remove(systemd_host, ALL)
    host_tidy(systemd_host)


def test_dependents_are_the_units_that_a_stop_of_docker_stops(host: SystemdHost) -> None:
    ran = active(host, *WITH_DOCKER, *ALONE)
    assert ran == [*WITH_DOCKER, *ALONE]
    found = on(host, "result = ports.service.dependents()")
    on(host, "ports.service.stop(30); result = 0")
    still = active(host, *ran)
    on(host, "bring_up(); result = 0")
    assert still == [*ALONE]
    assert found == sorted(WITH_DOCKER)


@pytest.mark.engine("trixie", "systemd")
def test_it_finds_them_under_systemd_257(new_host: Callable[..., LabHost]) -> None:
    finds_and_starts_units(new_host("systemd", release="trixie"))


@pytest.mark.engine("forky", "systemd")
def test_it_finds_them_under_systemd_262(new_host: Callable[..., LabHost]) -> None:
    finds_and_starts_units(new_host("systemd", release="forky"))


def finds_and_starts_units(host: LabHost) -> None:
    """All that a stop of Docker stops is told, and runs again after units_start."""
    engine_install(host)
    units_make(host, ALL)
    host.run(["systemctl", "start", "--", *WITH_DOCKER, *ALONE])
    host.run("systemctl --job-mode=ignore-dependencies stop gap by-hand")
    found = on(
        host,
        f"""
names = ports.service.dependents()
ports.service.stop(30); bring_up()
down = ports.service.units_down(names)
still = os.popen("systemctl is-active {" ".join(ALONE)}").read().split()
ports.service.units_start(names)
{SETTLED}
result = [names, down, still, ports.service.dependents()]
""",
    )
    everything = sorted(WITH_DOCKER)
    assert found == [everything, everything, ["active"] * len(ALONE), everything]
    assert active(host, *ALL) == [*WITH_DOCKER, *ALONE]


def test_units_down_lists_what_docker_took_along_and_units_start_brings_it_back(
    host: SystemdHost,
) -> None:
    down = on(
        host,
        f"""
names = ports.service.dependents()
result = [ports.service.units_down(names)]
ports.service.stop(30); result.append(ports.service.units_down(names))
bring_up(); result.append(ports.service.units_down(names))
ports.service.units_start(names)
{SETTLED}
result += [ports.service.units_down(names), ports.service.dependents() == names]
""",
    )
    everything = sorted(WITH_DOCKER)
    assert down == [[], everything, everything, [], True]
    # The target wants one of them, which somebody has stopped.
    assert active(host, *ALL) == [*WITH_DOCKER, *ALONE]


def test_a_unit_that_cannot_start_keeps_no_other_down(host: SystemdHost) -> None:
    on(host, "ports.service.stop(30); bring_up(); result = 0")
    host.run("cd /etc/systemd/system && rm binds.service && ln -sf /dev/null requires.service")
    host.run("systemctl daemon-reload")
    # Too many starts in ten seconds: systemd refuses another until its failures are forgotten.
    host.run("for _ in 1 2 3 4 5 6; do systemctl restart part; done", check=False)
    assert host.run("systemctl is-failed part").stdout == "failed\n"
    down = on(
        host,
        f"""
names = {sorted(WITH_DOCKER)!r}
ports.service.units_start(names)
names = [n for n in names if n not in ("binds.service", "requires.service")]
{SETTLED}
result = [ports.service.units_down({sorted(WITH_DOCKER)!r}), ports.service.units_down(names)]
""",
    )
    assert down == [["binds.service", "requires.service"], []]


def test_a_unit_whose_work_is_done_is_not_down(host: SystemdHost) -> None:
    once = {"once.service": "PartOf=docker.service\nAfter=docker.service"}
    # At its second run it ends by itself.
    units_make(host, once, "test -e /run/once && exit 0; touch /run/once; exec sleep infinity")
    # systemd only remembers units that another one names.
    wants = "/etc/systemd/system/multi-user.target.wants"
    host.run(f"rm -f /run/once; ln -s ../once.service {wants}/once.service")
    host.run("systemctl daemon-reload; systemctl start once")
    host.run("until test -e /run/once; do sleep 0.1; done")
    down = on(
        host,
        """
names = ["once.service"]
result = [names[0] in ports.service.dependents()]
ports.service.stop(30); bring_up()
result.append(ports.service.units_down(names))
ports.service.units_start(names)
os.system("systemctl start once; while systemctl -q is-active once; do sleep 0.05; done")
result.append(ports.service.units_down(names))
ports.service.stop(30); bring_up()
result.append(ports.service.units_down(names))
""",
    )
    host.run(f"rm {wants}/once.service")
    units_remove(host, once)
    assert down == [True, ["once.service"], [], ["once.service"]]


def test_a_oneshot_at_work_is_no_dependent(host: SystemdHost) -> None:
    host.write(
        "/etc/systemd/system/backup.service",
        "[Unit]\nRequires=docker.service\n[Service]\nType=oneshot\nExecStart=/bin/sleep 60\n",
    )
    host.run("systemctl daemon-reload; systemctl start --no-block backup")
    state = "systemctl show -p ActiveState --value backup"
    host.run(f"until [ $({state}) = activating ]; do sleep 0.05; done")
    found = on(host, "result = ports.service.dependents()")
    units_remove(host, {"backup.service": ""})
    assert found == sorted(WITH_DOCKER)


def test_sysv_has_no_units(sysv_host: SysvHost) -> None:
    engine_install(sysv_host)
    found = on(
        sysv_host,
        """
ports.service.units_start(["a.service"])
result = [ports.service.dependents(), ports.service.units_down(["a.service"])]
""",
    )
    assert found == [[], []]
