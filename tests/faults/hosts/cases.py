"""Which faults there are: every step of two plans, at four points, and what comes after the last
step until the job has ended, at four more; with five victims."""

from __future__ import annotations

import os
import random
from itertools import product

import attrs

SUBNET, NAT = "subnet", "nat"
# The steps of the plans that the hosts of these tests make; a run fails if a plan has others.
STEPS = {
    SUBNET: (
        "remember", "write_config", "validate_config", "docker_stop", "link_set down",
        "address_remove", "address_add", "link_set up", "docker_start", "hold_range",
        "start_containers", "nat_rules", "forget_connections", "verify_layers",
        "verify_containers", "look_again",
    ),
    NAT: ("nat_remember", "nat_rules", "forget_connections", "verify_nat"),
}  # fmt: skip
POINTS = ("before", "in", "half", "after")
# After the last step: nobody asked for a confirm yet; it was asked for; it is on the host's disk;
# the journal knows the end and nobody was told.
LAST, LAST_POINTS = "confirm", ("held", "asked", "confirmed", "ended")
POWER = "power"
VICTIMS = {
    "job": "kill-carrier",
    "worker": "kill-worker",
    "guard": "kill-guard",
    "all three": "kill-worker+guard+carrier",
    POWER: "freeze",
}
INITS = ("sysv", "systemd")
SEED = int(os.environ.get("DOCKERNET_FAULT_SEED") or random.randrange(10_000))


@attrs.frozen
class Case:
    """One fault: at `point` of step `step` (from 1) of a change of `kind`, `victim` is lost. The
    step after the last one is what the job's end takes."""

    init: str
    kind: str
    step: int
    point: str
    victim: str

    @property
    def name(self) -> str:
        """The step's kind."""
        return (*STEPS[self.kind], LAST)[self.step - 1]

    @property
    def number(self) -> int:
        """The step's number as the hook knows it, 0 for what comes after the last."""
        return self.step if self.point in POINTS else 0

    def __str__(self) -> str:
        step = self.name.replace(" ", "-")
        victim = self.victim.replace(" ", "-")
        return f"{self.init}-{self.kind}-{self.step:02}-{step}-{self.point}-{victim}"


def places(kind: str) -> list[tuple[int, str]]:
    """Every (step, point) of a change of that kind."""
    steps = range(1, len(STEPS[kind]) + 1)
    return [*product(steps, POINTS), *product([len(steps) + 1], LAST_POINTS)]


def victims_at(point: str) -> tuple[str, ...]:
    """Who can die there: after the last step the process that carried the steps out is gone."""
    return tuple(v for v in VICTIMS if v != "job" or point in (*POINTS, "held"))


def every_case() -> list[Case]:
    """The whole matrix, on both inits."""
    return [
        Case(init, kind, step, point, victim)
        for init, kind in product(INITS, STEPS)
        for step, point in places(kind)
        for victim in victims_at(point)
    ]


def covering_cases(seed: int = SEED) -> list[Case]:
    """A selection of the matrix that has, for each kind of change, each step, each point and each
    victim at least once, dealt out to both inits; another one for each seed."""
    found = []
    for kind in STEPS:
        rng = random.Random(f"{seed} {kind}")
        steps = len(STEPS[kind])
        many = max(steps, len(VICTIMS), len(POINTS))
        order = [n % steps + 1 for n in range(many)]
        points = _shuffled(rng, POINTS, many)
        victims = _shuffled(rng, tuple(VICTIMS), many)
        rows = list(zip(order, points, victims, strict=True))
        rows += [(steps + 1, point, rng.choice(victims_at(point))) for point in LAST_POINTS]
        inits = _shuffled(rng, INITS, len(rows))
        found += [Case(init, kind, *row) for init, row in zip(inits, rows, strict=True)]
    return found


def _shuffled(rng: random.Random, words: tuple[str, ...], length: int) -> list[str]:
    """Each word equally often, in a random order."""
    found = [words[n % len(words)] for n in range(length)]
    rng.shuffle(found)
    return found
