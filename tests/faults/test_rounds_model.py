"""The model of a host during a round of random acts, without any host."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from tests.faults.hosts.rounds.model import (
    ANY,
    CANCEL,
    CONFIRM,
    CRASH,
    DOCKER,
    DOWN,
    ENDINGS,
    HAND,
    PAUSED,
    POWER,
    REVERT,
    RUNS,
    Container,
)
from tests.faults.rounds_seen import model_new


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_crowd_that_nobody_touches_ends_as_it_began(ending: str) -> None:
    for container in model_new().containers.values():
        assert container.right(ending) == {container.before}, container


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("policy", ["no", "unless-stopped"])
def test_a_container_that_a_person_stopped_stays_stopped(ending: str, policy: str) -> None:
    container = Container("batch", policy, before=RUNS)
    container.stopped(HAND)
    assert container.right(ending) == {DOWN}


@pytest.mark.parametrize("policy", ["always", "on-failure"])
def test_a_boot_may_start_a_stopped_container_whose_policy_wants_it(policy: str) -> None:
    container = Container("web", policy, before=RUNS)
    container.stopped(HAND)
    assert container.right(CANCEL) == {DOWN}
    assert container.right(POWER) == {DOWN, RUNS}


def test_a_dead_process_may_be_started_by_the_way_back_and_by_nothing_else() -> None:
    container = Container("batch", before=RUNS)
    container.stopped(CRASH)
    assert container.right(CONFIRM) == {DOWN}
    assert container.right(REVERT) == {DOWN, RUNS}
    fresh = Container("new1")
    fresh.stopped(CRASH)
    assert fresh.right(REVERT) == {DOWN}
    replaced = Container("frozen", namesake=PAUSED)
    replaced.docker_restarted()
    assert replaced.right(REVERT) == {DOWN, RUNS, PAUSED}
    replaced.stopped(HAND)
    assert replaced.right(REVERT) == {DOWN}


@pytest.mark.parametrize(
    ("container", "right"),
    [
        (Container("new"), {RUNS, DOWN}),
        (Container("new", "always"), {RUNS}),
        (Container("new", "on-failure"), {RUNS}),
        (Container("new", state=PAUSED), {PAUSED, RUNS, DOWN}),
        (Container("kept", "always", before=DOWN), {RUNS, DOWN}),
        (Container("kept", "always", namesake=DOWN), {RUNS, DOWN}),
        (Container("frozen", before=PAUSED), {RUNS, PAUSED}),
        (Container("batch", before=RUNS, state=PAUSED), {RUNS, PAUSED}),
    ],
)
def test_a_loss_of_power_hides_what_others_did(container: Container, right: set[str]) -> None:
    assert container.right(POWER) == right
    assert container.right(CANCEL) == {container.state}


def test_a_restart_of_docker_by_others_follows_the_policies() -> None:
    expected = model_new(flushed=True)
    expected.docker_restarted()
    states = {name: (c.state, c.why) for name, c in expected.containers.items()}
    assert states == {
        "web": (RUNS, ""),
        "batch": (DOWN, DOCKER),
        "frozen": (DOWN, DOCKER),
        "kept": (RUNS, ""),
    }
    assert expected.containers["kept"].right(CANCEL) == {RUNS, DOWN}
    assert expected.containers["frozen"].right(CANCEL) == {DOWN, RUNS, PAUSED}
    assert not expected.flushed


def test_two_that_want_one_port_are_free_only_after_a_start_of_docker_by_others() -> None:
    expected = model_new()
    expected.containers["web"].stopped(HAND)
    expected.containers["green"] = Container("green", "always", 8080)
    assert expected.required_ports(CANCEL) == {8080: "green"}
    expected.power_lost()
    assert {expected.containers[name].right(POWER) for name in ("web", "green")} == {ANY}
    assert expected.required_ports(POWER) == {}


def test_networks_of_others_hold_the_old_subnet_if_they_overlap_it() -> None:
    expected = model_new()
    subnets = {"a": "172.17.8.0/24", "b": "172.18.0.0/16", "c": "172.16.0.0/12"}
    expected.networks = {name: IPv4Network(subnet) for name, subnet in subnets.items()}
    assert expected.holders() == ["a", "c"]


def test_a_port_is_held_by_a_container_that_may_run() -> None:
    expected = model_new()
    assert expected.port_held(8080)
    assert not expected.port_held(None)
    expected.containers["web"].stopped(HAND)
    assert not expected.port_held(8080)
