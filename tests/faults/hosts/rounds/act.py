"""One act of somebody else on a host: a line of shell and what it makes true."""

from __future__ import annotations

import random
from collections.abc import Callable

import attrs

from lab.image import IMAGE
from tests.faults.hosts.rounds.model import Container, Expected

# Two runs of one seed draw the same acts only as long as this order stays.
POLICIES = ("no", "always", "unless-stopped", "on-failure")
FIRST_PORT = 8100
Effect = Callable[[Expected, str], None]


@attrs.frozen
class Act:
    """What somebody does.

    Args:
        command: a line for the host's shell.
        effect: writes into the model what is true afterwards, given what the command printed.
        may_fail: Docker may refuse it (a range that is taken); nothing is true then but what was.
    """

    command: str
    effect: Effect
    may_fail: bool = False


Draw = Callable[[random.Random, Expected], Act | None]


def chosen(rng: random.Random, among: list[Container]) -> Container | None:
    """Return one of these, None where there is none."""
    return rng.choice(among) if among else None


def run_command(container: Container) -> str:
    """Return the command that makes a container which answers HTTP with its name."""
    words = [f"docker run --detach --init --name {container.name} --hostname {container.name}"]
    words.append(f"--restart {container.policy}")
    if container.port is not None:
        words.append(f"--publish {container.port}:80")
    words += [f"--network {container.network}", IMAGE]
    return " ".join(words)
