"""Reads for the form that asks for a change."""

from __future__ import annotations

from typing import Any

from hosts.models import Host
from netops.models import Change, Job
from netops.states import HOLDING, State

_LATEST = 5


def holder_of(*, host: Host, except_for: int = 0) -> Change | None:
    """Return the change that holds a host, other than number `except_for`, if any does."""
    held = Change.objects.filter(host=host, state__in=HOLDING)
    return held.exclude(pk=except_for).first()


def outages_of(*, host: Host, kind: str) -> list[float]:
    """Return how long services were away, in seconds, in the latest changes of that kind that
    succeeded on the host."""
    jobs = Job.objects.filter(change__host=host, change__kind=kind, outage_s__isnull=False)
    jobs = jobs.filter(change__state=State.SUCCEEDED).order_by("-created_at")
    latest = jobs.values_list("outage_s", flat=True)[:_LATEST]
    return [seconds for seconds in latest if seconds is not None]


def confirm_habits(*, host: Host) -> dict[str, Any]:
    """Return who confirmed the latest change of the host, within how many seconds; {} for none."""
    latest = Change.objects.filter(host=host).order_by("-pk")
    return dict(latest.values("confirm", "confirm_window_s").first() or {})
