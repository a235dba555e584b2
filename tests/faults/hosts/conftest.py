"""One site and its hosts for all tests on hosts whose agents, power or surroundings fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import Lab
from lab.command import LabError, require_programs
from lab.site import Site, port_pick
from tests.faults.hosts.cases import SEED, Case
from tests.faults.hosts.lanes import Lanes
from tests.faults.hosts.reliability import Record, reliability_write
from tests.faults.hosts.stage import Stage


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The matrix runs beside the other tests of this folder, and is asked for last."""
    if not config.getoption("--all-faults"):
        long = [item for item in items if item.get_closest_marker("all_faults")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
    items.sort(key=lambda item: item.path.name == "test_killed.py")


@pytest.fixture(scope="session")
def faults_lab() -> Iterator[Lab]:
    """The lab of these tests."""
    try:
        require_programs()
    except LabError as error:
        pytest.skip(str(error))
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="session")
def stage(faults_lab: Lab) -> Iterator[Stage]:
    """The site that nothing happens to."""
    with Site(faults_lab.segment, faults_lab.segment.run.folder / "site", port_pick()) as site:
        yield Stage(faults_lab, site)


@pytest.fixture(scope="session")
def record(request: pytest.FixtureRequest) -> Iterator[Record]:
    """What the session found; written to docs/reliability.md at its end if that is asked for."""
    found = Record(SEED)
    yield found
    if request.config.getoption("--write-reliability"):
        reliability_write(found)


@pytest.fixture(scope="session", autouse=True)
def lanes(request: pytest.FixtureRequest, stage: Stage) -> Iterator[Lanes]:
    """The cases of the matrix that this session has, under way from the first test on."""
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    found = [call.params.get("case") for call in calls if call is not None]
    work = Lanes(stage, [case for case in found if isinstance(case, Case)])
    yield work
    work.stop()
