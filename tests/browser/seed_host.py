"""Hosts whose bridges have few and many containers, for pictures of the switch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hosts.models import Host
from netops.engine.observed import Observed
from netops.engine.serial import to_json
from people.models import User
from tests.pages import world
from tests.pages.host_example import observed

LONG = ("a-container-with-a-name-that-no-box-can-hold-1", "cache", "orders-db", "shop-worker")
MOVED = "docker0: 172.17.0.1/16 → 10.1.0.1/24."
BACK = "docker0: 10.1.0.1/24 → 172.17.0.1/16."
POLICY = "Policy of the firewall's chain FORWARD: ACCEPT → DROP."
HISTORY = (
    (60, "First observation.", "", ""),
    (26, "Container cache: exited → running.", "", ""),
    (9, f"{MOVED}\nAddress of container cache: 172.17.0.3 → 10.1.0.3.", MOVED, "outside"),
    (8, BACK, BACK, "change"),
    (7.9, POLICY, POLICY, "unknown"),
)


def seed_switches(online: Callable[[str, Observed], None]) -> None:
    """Hosts switch-5 and switch-200; a host without containers is edge-icn-2."""
    for count in (5, 200):
        name = f"switch-{count}"
        online(name, observed(name=name, containers=count, names=LONG))


def seed_moved(alice: User, bob: User) -> None:
    """The past of switch-5: somebody gave docker0 another subnet, a change took it back."""
    host = Host.objects.get(name="switch-5")
    now = host.observed
    away = observed(name="switch-5", subnet="10.1.0.0/24", containers=5, names=LONG)
    Host.objects.filter(pk=host.pk).update(observed=to_json(away))
    host.refresh_from_db()
    spec = {"network": "bridge", "subnet": "172.17.0.0/16"}
    reason = "Somebody gave docker0 the addresses of the data centre."
    change = world.story_succeeded(
        host, alice, bob, spec=spec, ago=timedelta(hours=8.1), reason=reason
    )
    Host.objects.filter(pk=host.pk).update(observed=now)
    for hours, summary, facts, origin in HISTORY:
        by = change.pk if origin in ("change", "unknown") else None
        fields = {"facts": facts, "origin": origin, "change_id": by}
        world.observation(host, summary, ago=timedelta(hours=hours), **fields)
