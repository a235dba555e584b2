"""systemctl(1) show: properties of units, one call for any number of them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from netops.engine.adapters.command import run

ASK_S = 10.0


def show(unit: str, *properties: str) -> dict[str, str]:
    """Return properties of a unit; those unknown are missing.

    Raises OperationFailed when systemd does not answer within 10 s.
    """
    return show_all([unit], *properties)[unit]


def show_all(units: Sequence[str], *properties: str) -> dict[str, dict[str, str]]:
    """Return {unit: {property: value}} for each of `units`; an unknown unit has LoadState
    "not-found".

    Raises OperationFailed when systemd does not answer within 10 s.
    """
    names = [*dict.fromkeys(units)]
    if not names:
        return {}
    # LoadState is never empty, so that every unit has a block; an empty line ends each.
    options = [f"--property={name}" for name in dict.fromkeys(("LoadState", *properties))]
    result = run(["systemctl", "show", *options, "--", *names], ASK_S, errors_too=False)
    blocks = [_pairs(block) for block in result.output.split("\n\n")]
    return dict(zip(names, [*blocks, *[{}] * len(names)], strict=False))


def names_in(value: str) -> list[str]:
    """Return the names of a list as systemctl prints it: in quotes if one holds a backslash."""
    return shlex.split(value)


def _pairs(block: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in block.splitlines() if "=" in line)
    return {name: value for name, _, value in pairs}
