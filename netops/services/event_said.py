"""What a host says in an event of a job, without what it has no business to say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from hosts.services.clean import clean
from netops.states import State

TYPES = (
    "state",
    "step_started",
    "output",
    "step_done",
    "step_failed",
    "rollback_started",
    "rolled_back",
    "end",
)
# Bytes of an event's data; the large one is above the addresses of a thousand containers.
MOST_DATA, MOST_LARGE_DATA = 4_000, 250_000
# All that agents say. The site's own events carry who did what (by, approvals, break_glass ...): a
# host that could say that too would write people's acts into the history.
SAID = (
    "state",
    "command",
    "differences",
    "confirm",
    "confirm_window_s",
    "outage_s",
    "containers",
    "left",
    "by_hand",
)
# What people and the site bring about, never a host.
_NOT_ITS_STATES = (
    State.PLANNING,
    State.BLOCKED,
    State.AWAITING_APPROVAL,
    State.APPROVED,
    State.REJECTED,
    State.WITHDRAWN,
    State.EXPIRED,
)
_AHEAD = timedelta(days=1)
_FIRST_YEAR = 2000


def said_data(type_: str, data: dict[str, Any], *, large: bool) -> dict[str, Any]:
    """Return an event's data: what agents say, and no more of it than an honest one would."""
    kept = {key: clean(data[key]) for key in SAID if key in data}
    if type_ != "end" and kept.get("state") in _NOT_ITS_STATES:
        del kept["state"]
    if _fits(kept, MOST_LARGE_DATA if large else MOST_DATA):
        return kept
    short = {"state": kept["state"]} if "state" in kept else {}
    return {**short, "too_large": True} if _fits(short, MOST_DATA) else {}


def _fits(data: dict[str, Any], most: int) -> bool:
    """True for what is not too large, and JSON: PostgreSQL takes no NaN, which Python reads."""
    try:
        return len(json.dumps(data, allow_nan=False)) <= most
    except ValueError:
        return False


def said_time(text: str) -> datetime:
    """Return the host's time for an event, in UTC; the site's own where that cannot be read or is
    no time at which a host can be, and never one far ahead."""
    now = timezone.now()
    try:
        at = datetime.fromisoformat(text)
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return now
    return now if at.year < _FIRST_YEAR else min(at, now + _AHEAD)
