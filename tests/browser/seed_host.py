"""Hosts whose bridges have few and many containers, for pictures of the switch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hosts.models import Host
from netops.engine.observed import Observed
from tests.pages import world
from tests.pages.host_example import observed

LONG = ("a-container-with-a-name-that-no-box-can-hold-1", "cache", "orders-db", "shop-worker")
MOVED = "docker0: 172.17.0.1/16 → 10.1.0.1/24."
POLICY = "Policy of the firewall's chain FORWARD: ACCEPT → DROP."
HISTORY = (
    (60, "First observation.", "", "", None),
    (26, "Container cache: exited → running.", "", "", None),
    (9, f"{MOVED}\nContainer cache: 172.17.0.3 → 10.1.0.3.", MOVED, "outside", None),
    (
        8,
        "docker0: 10.1.0.1/24 → 172.17.0.1/16.",
        "docker0: 10.1.0.1/24 → 172.17.0.1/16.",
        "change",
        1,
    ),
    (7, POLICY, POLICY, "unknown", 1),
)


def seed_switches(online: Callable[[str, Observed], None]) -> None:
    """Hosts switch-5 and switch-200; a host without containers is edge-icn-2."""
    for count in (5, 200):
        name = f"switch-{count}"
        online(name, observed(name=name, containers=count, names=LONG))
    host = Host.objects.get(name="switch-5")
    for hours, summary, facts, origin, change_id in HISTORY:
        fields = {"facts": facts, "origin": origin, "change_id": change_id}
        world.observation(host, summary, ago=timedelta(hours=hours), **fields)
