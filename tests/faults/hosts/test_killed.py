"""Whatever dies at whichever point of a job: the host ends old or new, all runs, the site knows."""

from __future__ import annotations

import pytest

from tests.faults.hosts.cases import (
    INITS,
    LAST_POINTS,
    POINTS,
    STEPS,
    VICTIMS,
    Case,
    covering_cases,
    every_case,
)
from tests.faults.hosts.lanes import Lanes, NoTime


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The whole matrix with --all-faults, else a selection."""
    if "case" in metafunc.fixturenames:
        every = metafunc.config.getoption("--all-faults")
        metafunc.parametrize("case", every_case() if every else covering_cases(), ids=str)


def test_it_ends_whole(case: Case, lanes: Lanes) -> None:
    try:
        row = lanes.results[case].result(timeout=3600)
    except NoTime:
        pytest.skip("the run's time (DOCKERNET_FAULT_MINUTES) was up")
    print(f"{case}: {row.host} after {row.settled_s} s")


def test_the_selection_has_every_step_point_and_victim() -> None:
    for seed in range(50):
        cases = covering_cases(seed)
        for kind, steps in STEPS.items():
            mine = [c for c in cases if c.kind == kind]
            assert {c.step for c in mine} == set(range(1, len(steps) + 2))
            assert {c.point for c in mine} == {*POINTS, *LAST_POINTS}
            assert {c.victim for c in mine} == set(VICTIMS)
            halves = [sum(c.init == init for c in mine) for init in INITS]
            assert max(halves) - min(halves) <= 1
