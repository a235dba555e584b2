"""A host that reports markup and scripts in every text it has, and people who type the same."""

from __future__ import annotations

from typing import Any

import django

django.setup()

from attrs import evolve, fields, has  # noqa: E402
from django.utils import timezone  # noqa: E402

from hosts.services.restorations import restoration_store  # noqa: E402
from netops.engine.observed import Observed  # noqa: E402
from netops.engine.serial import to_json  # noqa: E402
from netops.states import State  # noqa: E402
from people.models import User  # noqa: E402
from tests.pages import world  # noqa: E402
from tests.pages.host_example import observed  # noqa: E402

EVIL = '"\'><img src=x onerror="window.ran=1"><script>window.ran=1</script>{{7*7}}</title>'
# Words that decide what a page shows are kept; every other text is spoiled.
_KEPT = {
    "at", "boot_id", "link", "bridge", "driver", "state", "network_mode", "manager", "family",
    "scope", "kind", "path", "source", "restart_policy", "protocol", "veth", "port", "network",
    "nat", "forward", "tables", "digest", "severity", "code",
}  # fmt: skip


def spoiled(value: Any, name: str = "") -> Any:
    """The same with EVIL at the end of each text."""
    if isinstance(value, str):
        return value if name in _KEPT else f"{value}{EVIL}"
    if isinstance(value, tuple):
        return tuple(spoiled(item, name) for item in value)
    if has(type(value)):
        parts = {f.name: spoiled(getattr(value, f.name), f.name) for f in fields(type(value))}
        return evolve(value, **parts)
    return value


def main() -> None:
    """Host evil-1 with changes 1 (waits), 2 (failed) and 3 (rejected), all hostile."""
    alice, bob = world.user("alice", "operator"), world.user("bob", "approver")
    world.user("admin", "admin")
    world.reserved("10.8.0.0/16", f"VPN{EVIL}"[:100])
    seen: Observed = spoiled(observed(name="evil-1", containers=3))
    host = world.host("evil-1", observed=seen, agent_version=f"1{EVIL}"[:32])
    world.observation(host, f"Container web{EVIL}: none → 172.17.0.5.")
    lost = [f"-A X -m comment --comment {EVIL}"]
    restoration_store(host=host, missing=lost, error="", at=timezone.now())
    world.Story(host, alice, reason=f"VPN{EVIL}").planned()
    broken = planned("evil-2", alice).judged(bob, comment=EVIL).began()
    broken.did(2, f"said{EVIL}")
    broken.tell("output", f"nobody's{EVIL}")
    broken.tell("step_started", f"Step{EVIL}", step=3)
    broken.tell("step_failed", f"why{EVIL}", step=3)
    broken.tell("rollback_started", f"back{EVIL}")
    broken.ended(State.FAILED, f"The end{EVIL}", 1.0, left=(f"rm {EVIL}",))
    planned("evil-3", alice).judged(bob, "rejected", EVIL)


def planned(name: str, by: User) -> world.Story:
    """A change whose plan the host has made hostile."""
    story = world.Story(world.host(name), by, reason=f"VPN{EVIL}").planned()
    story.change.plan = to_json(spoiled(story.plan))
    story.change.save(update_fields=["plan"])
    return story


if __name__ == "__main__":
    main()
