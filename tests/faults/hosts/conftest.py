"""One site and its hosts for all tests on hosts whose agents, power or surroundings fail."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import Lab
from lab.command import LabError, require_programs
from lab.site import Site, port_pick
from tests.faults.hosts.cases import SEED, Case
from tests.faults.hosts.lanes import Lanes
from tests.faults.hosts.reliability import Record, reliability_write
from tests.faults.hosts.rounds.drawing import Round
from tests.faults.hosts.rounds.lanes import RoundLanes
from tests.faults.hosts.stage import Stage

HERE = Path(__file__).parent
FAILED = pytest.StashKey[list[str]]()
# Their tests only wait for what hosts of their own do meanwhile, and are asked for last.
MATRIX, ROUNDS = HERE / "test_killed.py", HERE / "test_rounds.py"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The seed, so that the same selection can be made again."""
    terminalreporter.write_line(f"faults on hosts: DOCKERNET_FAULT_SEED={SEED}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A selection unless all is asked for; the matrix runs beside the other tests of this folder,
    and is asked for after them; the rounds run last, by themselves."""
    mine = [item for item in items if item.path.is_relative_to(HERE)]
    if not config.getoption("--all-faults") and not any("::" in arg for arg in config.args):
        left_out = _left_out(mine)
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: (item.path == MATRIX) + 2 * (item.path == ROUNDS))


def _left_out(items: list[pytest.Item]) -> list[pytest.Item]:
    """What is not run: what takes long, and of each file beside the matrix and the rounds all but
    one test, by the seed."""
    found = [item for item in items if item.get_closest_marker("all_faults")]
    by_file: dict[Path, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item not in found and item.path not in (MATRIX, ROUNDS):
            by_file[item.path].append(item)
    for path, group in by_file.items():
        kept = random.Random(f"{SEED} {path.name}").choice(group)
        found += [item for item in group if item is not kept]
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember what failed, for the record."""
    report = yield
    if report.failed:
        item.config.stash.setdefault(FAILED, []).append(item.name)
    return report


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
def lanes(request: pytest.FixtureRequest, stage: Stage) -> Iterator[Lanes]:
    """The cases of the matrix that this session has, under way from the first test on."""
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    found = [call.params.get("case") for call in calls if call is not None]
    work = Lanes(stage, [case for case in found if isinstance(case, Case)])
    yield work
    work.stop()


@pytest.fixture(scope="session")
def round_lanes(request: pytest.FixtureRequest, stage: Stage, record: Record) -> RoundLanes:
    """The rounds that this session has, under way from the first test that asks for one."""
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    found = [call.params.get("drawn") for call in calls if call is not None]
    record.rounds = RoundLanes(stage, [drawn for drawn in found if isinstance(drawn, Round)])
    return record.rounds


@pytest.fixture(scope="session", autouse=True)
def record(request: pytest.FixtureRequest, lanes: Lanes) -> Iterator[Record]:
    """What the session found, also one that was interrupted; written to docs/reliability.md at its
    end if that is asked for."""
    found = Record(SEED)
    yield found
    lanes.stop()
    if found.rounds is not None:
        found.rounds.stop()
    found.strikes = lanes.rows()
    told = ("test_it_ends_whole", "test_a_round_holds")
    failed = [name for name in request.config.stash.get(FAILED, []) if not name.startswith(told)]
    found.failed = [*lanes.failed(), *failed]
    if request.config.getoption("--write-reliability"):
        reliability_write(found)
