"""Hosts whose bridges have few and many containers, for pictures of the switch."""

from __future__ import annotations

from collections.abc import Callable

from netops.engine.observed import Observed
from tests.pages.host_example import observed

LONG = ("a-container-with-a-name-that-no-box-can-hold-1", "cache", "orders-db", "shop-worker")


def seed_switches(online: Callable[[str, Observed], None]) -> None:
    """Hosts switch-5 and switch-200; a host without containers is edge-icn-2."""
    for count in (5, 200):
        name = f"switch-{count}"
        online(name, observed(name=name, containers=count, names=LONG))
