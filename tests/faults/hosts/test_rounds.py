"""Others act at random while a change waits for its confirm: what runs, and what is said, is right.

Docker runs, every container that should run runs, the state that is said is the state that is.
"""

from __future__ import annotations

import pytest

from tests.faults.hosts.lanes import NoTime
from tests.faults.hosts.rounds.drawing import Round, count_asked, rounds_drawn
from tests.faults.hosts.rounds.lanes import RoundLanes


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """200 rounds with --all-faults, else a few; DOCKERNET_FAULT_ROUNDS overrides the number."""
    if "drawn" in metafunc.fixturenames:
        count = count_asked(every=metafunc.config.getoption("--all-faults"))
        metafunc.parametrize("drawn", rounds_drawn(count), ids=str)


def test_a_round_holds(drawn: Round, round_lanes: RoundLanes) -> None:
    try:
        found = round_lanes.results[drawn].result(timeout=4 * 3600)
    except NoTime:
        pytest.skip("the run's time (DOCKERNET_FAULT_MINUTES) was up")
    print(f"{drawn}: {found.host} after {found.seconds} s, {', '.join(found.kinds)}")
