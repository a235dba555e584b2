"""Whether a moment is inside a freeze, and until when. Pure: reads no database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import frozen

from policies.models import FreezeWindow, WeeklyFreeze

# Freezes that follow one another are told as one; weekly ones may do so for ever.
_MOST_IN_A_ROW = 60


@frozen
class Frozen:
    """A freeze that holds: up to `until` (UTC), for `reason`."""

    until: datetime
    reason: str

    @property
    def sentence(self) -> str:
        """What it means and what can be done, for a refusal."""
        return (
            f"Changes are frozen until {self.until:%Y-%m-%d %H:%M} UTC ({self.reason}). "
            "Approve it after that; in an emergency an admin can break the glass."
        )


def frozen_at(
    now: datetime, windows: Iterable[FreezeWindow], weekly: Iterable[WeeklyFreeze]
) -> Frozen | None:
    """Return the freeze that holds at `now`, None if none does.

    `until` is when changes are possible again: freezes that overlap or meet count as one, told with
    the reason of the one that holds at `now` and ends last.
    """
    windows, weekly = list(windows), list(weekly)
    first = _longest(now, windows, weekly)
    if first is None:
        return None
    until = first.until
    for _ in range(_MOST_IN_A_ROW):
        following = _longest(until, windows, weekly)
        if following is None:
            break
        until = following.until
    return Frozen(until, first.reason)


def _longest(
    at: datetime, windows: list[FreezeWindow], weekly: list[WeeklyFreeze]
) -> Frozen | None:
    holding = [Frozen(w.ends_at, w.reason) for w in windows if w.starts_at <= at < w.ends_at]
    for freeze in weekly:
        end = weekly_end(freeze, at)
        if end is not None:
            holding.append(Frozen(end, freeze.reason))
    return max(holding, key=lambda held: held.until, default=None)


def weekly_end(freeze: WeeklyFreeze, at: datetime) -> datetime | None:
    """Return the end (UTC) of the week's freeze that holds at `at`, None if it does not.

    The clocks of its time zone decide, so that it lasts an hour more or less when they change.
    """
    zone = ZoneInfo(freeze.time_zone)
    days = (freeze.to_weekday - freeze.from_weekday) % 7
    if days == 0 and freeze.to_time <= freeze.from_time:
        days = 7
    today = at.astimezone(zone).date()
    for ago in range(8):
        day = today - timedelta(days=ago)
        if day.weekday() != freeze.from_weekday:
            continue
        start = datetime.combine(day, freeze.from_time, zone).astimezone(UTC)
        last = day + timedelta(days=days)
        end = datetime.combine(last, freeze.to_time, zone).astimezone(UTC)
        if start <= at < end:
            return end
    return None
