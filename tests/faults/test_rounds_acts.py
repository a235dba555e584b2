"""Drawing of rounds and acts, and what an act writes into the model, without any host."""

from __future__ import annotations

import random
from collections import Counter
from ipaddress import IPv4Network

import pytest

from tests.faults.hosts.cases import INITS
from tests.faults.hosts.rounds import crowd_acts, host_acts
from tests.faults.hosts.rounds.drawing import (
    KINDS,
    MOST_ACTS,
    Round,
    act_draw,
    count_asked,
    rounds_drawn,
)
from tests.faults.hosts.rounds.model import DOWN, ENDINGS, PAUSED, RUNS, TIMEOUT, Expected
from tests.faults.rounds_seen import model_new

PRINTED = {
    "network made": "id\n172.18.0.0/16\n",
    "daemon.json edited": '{"bip": "10.96.1.1/24", "debug": true}\n',
}


def drawn(drawn_round: Round, expected: Expected, count: int) -> list[str]:
    """The commands of `count` acts that all go well."""
    found = []
    for number in range(count):
        kind, act = act_draw(drawn_round.rng(f"act {number}"), expected)
        act.effect(expected, PRINTED.get(kind, ""))
        found.append(act.command)
    return found


def test_a_round_is_the_same_again_whatever_their_number() -> None:
    few, many = rounds_drawn(6, 7), rounds_drawn(200, 7)
    assert many[:6] == few
    for one in few:
        again = Round(one.number, 7)
        assert (one.ending, one.acts, one.explicit) == (again.ending, again.acts, again.explicit)
        assert drawn(one, model_new(), 6) == drawn(again, model_new(), 6)
    other = [drawn(one, model_new(), 6) for one in rounds_drawn(6, 8)]
    assert other != [drawn(one, model_new(), 6) for one in few]


@pytest.mark.parametrize("seed", range(10))
def test_a_few_rounds_have_every_ending_and_both_inits(seed: int) -> None:
    few = rounds_drawn(6, seed)
    assert {one.ending for one in few} == set(ENDINGS)
    assert Counter(one.init for one in few) == dict.fromkeys(INITS, 3)
    pairs = Counter((one.init, one.ending) for one in rounds_drawn(200, seed))
    assert set(pairs.values()) == {20}


def test_two_hundred_rounds_have_every_number_of_acts() -> None:
    every = rounds_drawn(200, 3)
    assert {one.acts for one in every} == set(range(1, MOST_ACTS + 1))
    assert max(one.window_s for one in every if one.ending == TIMEOUT) < 30
    assert 20 < sum(one.explicit for one in every) < 80


def test_the_environment_overrides_the_number_of_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKERNET_FAULT_ROUNDS", raising=False)
    assert (count_asked(every=False), count_asked(every=True)) == (6, 200)
    monkeypatch.setenv("DOCKERNET_FAULT_ROUNDS", "17")
    assert (count_asked(every=False), count_asked(every=True)) == (17, 17)


def test_every_kind_of_act_is_drawn_on_both_inits() -> None:
    for init in INITS:
        kinds = set()
        for number in range(100):
            expected = model_new(init=init)
            for at in range(MOST_ACTS):
                kind, act = act_draw(random.Random(f"{number} {at}"), expected)
                act.effect(expected, PRINTED.get(kind, ""))
                kinds.add(kind)
        assert kinds == set(KINDS)


def test_acts_on_containers_write_what_is_true_afterwards() -> None:
    expected, rng = model_new(), random.Random(1)
    only = {"batch": expected.containers["batch"]}
    expected.containers = only
    for draw, state in (
        (crowd_acts.container_pause, PAUSED),
        (crowd_acts.container_pause, RUNS),
        (crowd_acts.container_stop, DOWN),
        (crowd_acts.container_start, RUNS),
        (crowd_acts.container_crash, DOWN),
        (crowd_acts.container_replace, RUNS),
    ):
        act = draw(rng, expected)
        assert act is not None
        act.effect(expected, "")
        assert expected.containers["batch"].state == state, draw
    assert (expected.containers["batch"].before, expected.containers["batch"].namesake) == (
        "",
        RUNS,
    )
    removed = crowd_acts.container_remove(rng, expected)
    assert removed is not None
    removed.effect(expected, "")
    assert (expected.containers, expected.gone) == ({}, {"batch"})


def test_an_act_that_nothing_allows_is_not_drawn() -> None:
    expected, rng = model_new(containers={}), random.Random(1)
    for draw in (
        crowd_acts.container_stop,
        crowd_acts.container_start,
        crowd_acts.container_remove,
        crowd_acts.container_replace,
        crowd_acts.container_pause,
        crowd_acts.container_crash,
        crowd_acts.port_take_over,
        host_acts.network_remove,
    ):
        assert draw(rng, expected) is None, draw


def test_a_stopped_container_is_not_started_on_a_port_that_is_taken() -> None:
    expected = model_new()
    taken = crowd_acts.port_take_over(random.Random(1), expected)
    assert taken is not None
    taken.effect(expected, "")
    assert expected.containers["web"].state == DOWN
    for seed in range(20):
        started = crowd_acts.container_start(random.Random(seed), expected)
        assert started is not None
        assert started.command == "docker start kept"


def test_pruned_networks_are_gone_and_our_own_are_nobodys() -> None:
    expected = model_new()
    expected.networks = {name: IPv4Network("172.18.0.0/16") for name in ("team1", "team2")}
    act = host_acts.networks_prune(random.Random(1), expected)
    act.effect(expected, "Deleted Networks:\nteam2\ndockernet-hold-1\n")
    assert list(expected.networks) == ["team1"]


def test_a_removed_bip_is_noted_and_the_other_keys_are_kept() -> None:
    expected = model_new()
    act = host_acts.config_edit(random.Random(1), expected)
    act.effect(expected, '{"bip": "10.96.1.1/24", "debug": true}')
    assert (expected.config, expected.bip_removed) == ({"debug": True}, False)
    act.effect(expected, '{"debug": true}')
    assert (expected.config, expected.bip_removed) == ({"debug": True}, True)
