"""Each plan of a change is kept, so that the next one can be held against it."""

from __future__ import annotations

import hashlib
from typing import Any

from django.utils import timezone

from hosts.models import Host
from netops.models import Change, PlanVersion

_CONTENT = "content of "


def plan_version_keep(change: Change, host: Host) -> None:
    """Keep the plan that a locked change has now, once for each round; a change without one has
    nothing to keep. In the caller's transaction."""
    if change.plan is None:
        return
    PlanVersion.objects.get_or_create(
        change=change,
        round=change.plan_round,
        defaults={
            "digest": change.plan_digest,
            "plan": change.plan,
            "config_before": _config_before(change.plan, host),
            "at": change.planned_at or timezone.now(),
        },
    )


def _config_before(plan: dict[str, Any], host: Host) -> str | None:
    """Return the configuration file that the plan was made from.

    The plan has its hash only; the text is the host's last report's, if the hash is the same.
    """
    seen = host.observation
    if seen is None or seen.config.content is None:
        return None
    section = plan.get("basis", {}).get("config")
    told = section.get(f"{_CONTENT}{seen.config.path}") if isinstance(section, dict) else None
    digest = hashlib.sha256(seen.config.content.encode()).hexdigest()[:16]
    return seen.config.content if told == digest else None
