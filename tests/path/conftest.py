"""The whole path: the real site, real agents, real Docker hosts of both inits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import Lab
from lab.command import LabError, require_programs
from lab.demo import host_enrol, host_prepare
from lab.host import LabHost
from lab.site import Site, port_pick


@pytest.fixture(scope="session")
def path_lab() -> Iterator[Lab]:
    """A lab with a sysv and a systemd host, four containers of the four restart policies each."""
    try:
        require_programs()
    except LabError as error:
        pytest.skip(str(error))
    with Lab() as lab:
        hosts = [lab.sysv("paths"), lab.systemd("pathd")]
        for host in hosts:
            host_prepare(host)
        yield lab


@pytest.fixture(scope="session")
def site(path_lab: Lab) -> Iterator[Site]:
    """The site, with both hosts enrolled by the line that it gives for them."""
    with Site(path_lab.segment, path_lab.segment.run.folder / "site", port_pick()) as made:
        for host in path_lab.hosts.values():
            host_enrol(made, host)
        yield made


@pytest.fixture(params=["paths", "pathd"])
def host(request: pytest.FixtureRequest, path_lab: Lab, site: Site) -> LabHost:
    """Each host in turn, enrolled."""
    return path_lab.hosts[request.param]
