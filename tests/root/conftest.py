"""Real Docker hosts for the tests that need root; the two of the session boot only once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab import Lab, SystemdHost, SysvHost
from lab.command import LabError, find, require_programs
from lab.host import LabHost
from tests.root.in_host import engine_install


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab of this session; without its programs the test is skipped, and says which."""
    try:
        require_programs()
    except LabError as error:
        pytest.skip(str(error))
    with Lab() as one:
        yield one


@pytest.fixture
def new_host(lab: Lab) -> Iterator[Callable[..., LabHost]]:
    """`new_host("sysv" or "systemd", boot=True, **options of LabHost)`: a host for one test.
    With `release="forky"` its Debian, Docker and Python are of that release.

    It has the image and answers within two seconds, and is destroyed after the test.
    """
    made: list[LabHost] = []

    def make(init: str, *, boot: bool = True, **options: Any) -> LabHost:
        host = host_make(lab, init, **options)
        made.append(host)
        return host_ready(host) if boot else host

    yield make
    for host in made:
        lab.remove(host)


@pytest.fixture(scope="session")
def sysv_host(lab: Lab) -> SysvHost:
    """The sysv host of the session: for tests that leave it as it was."""
    host = host_make(lab, "sysv")
    assert isinstance(host, SysvHost)
    host_ready(host)
    return host


@pytest.fixture(scope="session")
def systemd_host(lab: Lab) -> SystemdHost:
    """The systemd host of the session: for tests that leave it as it was."""
    host = host_make(lab, "systemd")
    assert isinstance(host, SystemdHost)
    host_ready(host)
    return host


@pytest.fixture(params=["sysv", "systemd"])
def lab_host(request: pytest.FixtureRequest) -> Iterator[LabHost]:
    """Each host of the session in turn, on, plugged in, without containers before and after."""
    host: LabHost = request.getfixturevalue(f"{request.param}_host")
    host_tidy(host)
    yield host
    host_tidy(host)


@pytest.fixture(scope="session", params=["nft", "legacy"])
def bare(request: pytest.FixtureRequest, lab: Lab) -> LabHost:
    """A host of each family of iptables (`family`) whose Docker makes no rules, with a container
    c1 that serves, and the engine to be run in it; for tests that leave it as it was."""
    host = lab.sysv(
        f"nat-{request.param}",
        legacy_iptables=request.param == "legacy",
        daemon_json={"iptables": False, "userland-proxy": False},
    )
    host_ready(host)
    engine_install(host)
    host.start_container("c1", restart="always")
    # The tables exist from here on.
    host.run("for t in nat filter; do iptables -t $t -N x && iptables -t $t -X x; done")
    host.family = request.param  # type: ignore[attr-defined]
    return host


def host_make(lab: Lab, init: str, **options: Any) -> LabHost:
    """A host that is off, with a name of its own in the session."""
    name = f"{init}{lab.segment.given + 1}"
    if init == "sysv" and "release" not in options:
        return lab.sysv(name, **options)
    if find("debootstrap") is None:
        pytest.skip("needs debootstrap: apt-get install debootstrap")
    return lab.sysv(name, **options) if init == "sysv" else lab.systemd(name, **options)


def host_ready(host: LabHost) -> LabHost:
    """Boot it and give its Docker the image."""
    host.boot()
    host.wait_docker()
    host.load_image()
    return host


def host_tidy(host: LabHost) -> None:
    """On, plugged in, no containers."""
    if not host.powered:
        host.boot()
    host.restore_uplink()
    host.wait_docker()
    host.run("docker ps -aq | xargs -r docker rm -f")
