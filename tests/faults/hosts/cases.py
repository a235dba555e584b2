"""Which faults there are: every step of two plans, at four points, with five victims."""

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
        "address_remove", "address_add", "link_set up", "docker_start", "start_containers",
        "nat_rules", "forget_connections", "verify_layers", "verify_containers",
    ),
    NAT: ("nat_remember", "nat_rules", "forget_connections", "verify_nat"),
}  # fmt: skip
POINTS = ("before", "in", "half", "after")
POWER = "power"
VICTIMS = {
    "job": "kill-applier",
    "worker": "kill-worker",
    "guard": "kill-guard",
    "all three": "kill-worker+guard+applier",
    POWER: "freeze",
}
INITS = ("sysv", "systemd")
SEED = int(os.environ.get("DOCKERNET_FAULT_SEED") or random.randrange(10_000))


@attrs.frozen
class Case:
    """One fault: at `point` of step `step` (from 1) of a change of `kind`, `victim` is lost."""

    init: str
    kind: str
    step: int
    point: str
    victim: str

    @property
    def name(self) -> str:
        """The step's kind."""
        return STEPS[self.kind][self.step - 1]

    def __str__(self) -> str:
        step = self.name.replace(" ", "-")
        victim = self.victim.replace(" ", "-")
        return f"{self.init}-{self.kind}-{self.step:02}-{step}-{self.point}-{victim}"


def every_case() -> list[Case]:
    """The whole matrix, on both inits."""
    return [
        Case(init, kind, step, point, victim)
        for init, kind in product(INITS, STEPS)
        for step, point, victim in product(range(1, len(STEPS[kind]) + 1), POINTS, VICTIMS)
    ]


def covering_cases(seed: int = SEED) -> list[Case]:
    """A selection of the matrix that has, for each kind of change, each step, each point and each
    victim at least once on each init; another one for each seed."""
    found = []
    for init, kind in product(INITS, STEPS):
        rng = random.Random(f"{seed} {init} {kind}")
        steps = len(STEPS[kind])
        many = max(steps, len(VICTIMS), len(POINTS))
        order = [n % steps + 1 for n in range(many)]
        points = _shuffled(rng, POINTS, many)
        victims = _shuffled(rng, tuple(VICTIMS), many)
        found += [Case(init, kind, *row) for row in zip(order, points, victims, strict=True)]
    return found


def _shuffled(rng: random.Random, words: tuple[str, ...], length: int) -> list[str]:
    """Each word equally often, in a random order."""
    found = [words[n % len(words)] for n in range(length)]
    rng.shuffle(found)
    return found
