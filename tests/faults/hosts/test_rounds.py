"""Others act at random while a change waits for its confirm: what runs, and what is said, is right.

Docker runs, every container that should run runs, the state that is said is the state that is.
"""

from __future__ import annotations

import random

import pytest

from lab.host import LabHost
from tests.faults.hosts.cases import INITS, SEED
from tests.faults.hosts.lanes import NoTime
from tests.faults.hosts.rounds.drawing import Round, act_draw, count_asked, rounds_drawn
from tests.faults.hosts.rounds.ground import START, ground_new
from tests.faults.hosts.rounds.judge import differences
from tests.faults.hosts.rounds.lanes import RoundLanes
from tests.faults.hosts.rounds.model import CONFIRM, Expected
from tests.faults.hosts.stage import Stage
from tests.faults.hosts.whole import look


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


@pytest.mark.all_faults
@pytest.mark.parametrize("init", INITS)
def test_the_model_is_right_about_docker_without_a_change(init: str, stage: Stage) -> None:
    ground = ground_new(stage, init)
    for number in range(5):
        rng = random.Random(f"{SEED} {init} {number}")
        ground.begin(explicit=False)
        expected = ground.expected(str(START.network))
        done = [_acted(ground.host, rng, expected) for _ in range(8)]
        found = differences(expected, CONFIRM, look(ground.host))
        assert found == [], (SEED, number, done)
    stage.lab.remove(ground.host)


def _acted(host: LabHost, rng: random.Random, expected: Expected) -> str:
    kind, act = act_draw(rng, expected)
    done = host.run(act.command, check=not act.may_fail, timeout=120)
    if done.returncode == 0:
        act.effect(expected, done.stdout)
    return f"{kind}: {act.command}"
