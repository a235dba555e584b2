"""Hosts of other Debian releases in the tests: one kind a run, by a seed, or all of them."""

from __future__ import annotations

import os
import platform
import random
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

OWN = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
# Docker 20.10, 26.1 and 28.5.
RELEASES = ("bookworm", "trixie", "forky")
INITS = ("sysv", "systemd")
OTHERS = [(release, init) for release, init in product(RELEASES, INITS) if release != OWN]
SEED = int(os.environ.get("DOCKERNET_ENGINE_SEED") or random.randrange(10_000))
DRAWN = random.Random(SEED).choice(OTHERS)


def each_engine(test: Callable[..., Any]) -> Callable[..., Any]:
    """Run `test` with each `release` and `init`; a plain run leaves out what was not drawn."""
    cases = [
        pytest.param(
            release,
            init,
            marks=[] if release == OWN else [pytest.mark.engine(release, init)],
            id=f"{release}-{init}",
        )
        for release, init in product(RELEASES, INITS)
    ]
    return pytest.mark.parametrize(("release", "init"), cases)(test)


def engines_deselect(config: pytest.Config, items: list[pytest.Item]) -> bool:
    """Deselect what is marked with an engine that was not drawn, unless it was asked for.

    Returns whether anything was. Another release costs 40 s the first time, for its root.
    """
    if config.getoption("--all-engines") or any("::" in arg for arg in config.args):
        return False
    marks = [item.get_closest_marker("engine") for item in items]
    left_out = [
        item
        for item, mark in zip(items, marks, strict=True)
        if mark is not None and mark.args != DRAWN
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    return bool(left_out)


def engines_line() -> str:
    """Name what was drawn, and how to draw it again."""
    return f"engine beside {OWN}'s: {'/'.join(DRAWN)}, DOCKERNET_ENGINE_SEED={SEED}"
