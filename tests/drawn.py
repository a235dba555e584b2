"""Tests with many cases on real hosts: a plain run takes one case of each, by a seed, or all."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

SEED = int(os.environ.get("DOCKERNET_DRAWN_SEED") or random.randrange(10_000))
# Mark of a module or a test of which a plain run takes one case.
drawn: Callable[..., Any] = pytest.mark.drawn


def drawn_deselect(config: pytest.Config, items: list[pytest.Item]) -> bool:
    """Deselect all but one case of each marked test, unless all were asked for.

    --all-faults asks for all, and so does a test that is named. Returns whether any was left out.
    """
    if config.getoption("--all-faults") or any("::" in arg for arg in config.args):
        return False
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("drawn"):
            cases[item.nodeid.partition("[")[0]].append(item)
    left_out = [
        item
        for name, group in cases.items()
        for kept in [random.Random(f"{SEED} {name}").choice(group)]
        for item in group
        if item is not kept
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    return bool(left_out)


def drawn_line() -> str:
    """Say how to draw the same cases again."""
    return f"one case of each test on the way back: DOCKERNET_DRAWN_SEED={SEED}, or --all-faults"
