"""Rounds by their seed: how the change ends, how many acts there are, and each next act."""

from __future__ import annotations

import os
import random

import attrs

from tests.faults.hosts.cases import INITS, SEED
from tests.faults.hosts.rounds import crowd_acts, host_acts
from tests.faults.hosts.rounds.act import Act, Draw
from tests.faults.hosts.rounds.model import ENDINGS, TIMEOUT, Expected

FEW, ALL = 6, 200
MOST_ACTS, MOST_BEFORE_TIMEOUT = 6, 3
# A window that is to run out grows with the acts; the others are long, so that no act is late.
WINDOW_S, SHORT_S, ACT_S = 180, 12, 4
KINDS: dict[str, tuple[int, Draw]] = {
    "network made": (6, host_acts.network_make),
    "network removed": (3, host_acts.network_remove),
    "networks pruned": (4, host_acts.networks_prune),
    "container made": (4, crowd_acts.container_make),
    "container stopped": (3, crowd_acts.container_stop),
    "container started": (3, crowd_acts.container_start),
    "container removed": (2, crowd_acts.container_remove),
    "container replaced": (3, crowd_acts.container_replace),
    "container paused or unpaused": (2, crowd_acts.container_pause),
    "container killed": (2, crowd_acts.container_crash),
    "port taken over": (2, crowd_acts.port_take_over),
    "daemon.json edited": (4, host_acts.config_edit),
    "unit edited": (2, host_acts.unit_edit),
    "Docker restarted": (3, host_acts.docker_restart),
    "rules flushed": (2, host_acts.rules_flush),
}


@attrs.frozen
class Round:
    """One round: the same seed and number make the same one, however many there are."""

    number: int
    seed: int = SEED

    @property
    def init(self) -> str:
        """The inits take turns."""
        return INITS[self.number % len(INITS)]

    @property
    def ending(self) -> str:
        """Five rounds in a row have every ending; ten have each on both inits."""
        block, at = divmod(self.number, 2 * len(ENDINGS))
        order = random.Random(f"{self.seed} endings {block}").sample(ENDINGS, len(ENDINGS))
        return order[at % len(ENDINGS)]

    @property
    def acts(self) -> int:
        """The number of acts."""
        most = MOST_BEFORE_TIMEOUT if self.ending == TIMEOUT else MOST_ACTS
        return self.rng("number of acts").randint(1, most)

    @property
    def explicit(self) -> bool:
        """True if daemon.json has the old subnet as `bip` before the change."""
        return self.rng("bip").random() < 0.25

    @property
    def window_s(self) -> int:
        """The seconds that the change waits for its confirm."""
        return SHORT_S + ACT_S * self.acts if self.ending == TIMEOUT else WINDOW_S

    @property
    def subnet(self) -> str:
        """The subnet that the change asks for."""
        return f"10.96.{self.number % 250}.0/24"

    def rng(self, purpose: str) -> random.Random:
        """Return this round's own source of chance for one purpose."""
        return random.Random(f"{self.seed} {self} {purpose}")

    def __str__(self) -> str:
        return f"{self.number:03}-{self.init}-{self.ending.replace(' ', '-')}"


def rounds_drawn(count: int, seed: int = SEED) -> list[Round]:
    """Return the first `count` rounds of a seed."""
    return [Round(number, seed) for number in range(count)]


def count_asked(*, every: bool) -> int:
    """Return how many rounds a run has; DOCKERNET_FAULT_ROUNDS overrides it."""
    return int(os.environ.get("DOCKERNET_FAULT_ROUNDS") or (ALL if every else FEW))


def act_draw(rng: random.Random, expected: Expected) -> tuple[str, Act]:
    """Draw an act that the host, as it is by the model, allows; return its kind and the act."""
    weights = [weight for weight, _ in KINDS.values()]
    while True:
        (kind,) = rng.choices(list(KINDS), weights)
        act = KINDS[kind][1](rng, expected)
        if act is not None:
            return kind, act
