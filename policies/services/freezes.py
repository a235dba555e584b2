"""Freezes: when no approved plan is carried out."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.utils.translation import override

from audit.services import audit_note
from people.errors import InvalidInput
from people.models import User
from policies.models import Freeze, FreezeWindow, WeeklyFreeze
from policies.services.checks import environment_text, plain_text, require_admin

_DAYS = WeeklyFreeze.Weekday


def _common(environment: str, everywhere: bool, reason: str) -> tuple[str, str]:
    if everywhere and environment.strip():
        message = "Leave the environment out when it is for all of them."
        raise InvalidInput("invalid", message, "environment")
    environment = plain_text(
        environment, field="environment", what="An environment", most=63, empty=True
    )
    return environment, plain_text(reason, field="reason", what="A reason", most=200)


@transaction.atomic
def freeze_add(
    *,
    user: User,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    environment: str = "",
    everywhere: bool = False,
) -> FreezeWindow:
    """Freeze changes of an environment's hosts ("": of hosts without one), or of all hosts, from a
    moment up to another. Raises Forbidden below admin, InvalidInput."""
    require_admin(user)
    environment, reason = _common(environment, everywhere, reason)
    if ends_at <= starts_at:
        raise InvalidInput("invalid", "A freeze ends after it starts.", "ends_at")
    freeze = FreezeWindow.objects.create(
        environment=environment,
        everywhere=everywhere,
        reason=reason,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    start, end = f"{starts_at:%Y-%m-%d %H:%M}", f"{ends_at:%Y-%m-%d %H:%M %Z}"
    message = f"{user.username} froze {_where(freeze)} from {start} to {end}: {reason}."
    _note(user, "freeze.added", freeze, message)
    return freeze


@transaction.atomic
def weekly_freeze_add(
    *,
    user: User,
    from_weekday: int,
    from_time: time,
    to_weekday: int,
    to_time: time,
    time_zone: str,
    reason: str,
    environment: str = "",
    everywhere: bool = False,
) -> WeeklyFreeze:
    """Freeze the same part of every week, from a weekday (0 is Monday) and time up to another, by
    the clocks of an IANA time zone. Raises Forbidden below admin, InvalidInput."""
    require_admin(user)
    environment, reason = _common(environment, everywhere, reason)
    for field, day in (("from_weekday", from_weekday), ("to_weekday", to_weekday)):
        if day not in _DAYS.values:
            raise InvalidInput("invalid", "A weekday is 0 (Monday) to 6 (Sunday).", field)
    if (from_weekday, from_time) == (to_weekday, to_time):
        raise InvalidInput("invalid", "That would be the whole week; name an end.", "to_time")
    freeze = WeeklyFreeze.objects.create(
        environment=environment,
        everywhere=everywhere,
        reason=reason,
        from_weekday=from_weekday,
        from_time=from_time,
        to_weekday=to_weekday,
        to_time=to_time,
        time_zone=_zone(time_zone),
    )
    _note(user, "freeze.added", freeze, _weekly_said(user, freeze))
    return freeze


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name.strip()).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = "A time zone is a name such as Europe/Berlin, Asia/Seoul or UTC."
        raise InvalidInput("invalid", message, "time_zone") from error


def freeze_remove(*, user: User, pk: int) -> bool:
    """End a freeze before its time; False if there is none. Raises Forbidden below admin."""
    return _remove(user, FreezeWindow.objects.filter(pk=pk).first())


def weekly_freeze_remove(*, user: User, pk: int) -> bool:
    """Remove a weekly freeze; False if there is none. Raises Forbidden below admin."""
    return _remove(user, WeeklyFreeze.objects.filter(pk=pk).first())


@transaction.atomic
def _remove(user: User, freeze: FreezeWindow | WeeklyFreeze | None) -> bool:
    require_admin(user)
    if freeze is None:
        return False
    freeze.delete()
    message = f"{user.username} removed a freeze of {_where(freeze)}: {freeze.reason}."
    _note(user, "freeze.removed", freeze, message)
    return True


def _where(freeze: Freeze) -> str:
    return environment_text(freeze.environment, everywhere=freeze.everywhere)


def _weekly_said(user: User, freeze: WeeklyFreeze) -> str:
    # The record is in English, whatever language the person reads.
    with override("en"):
        first = str(_DAYS(freeze.from_weekday).label)
        last = str(_DAYS(freeze.to_weekday).label)
    return (
        f"{user.username} froze {_where(freeze)} every week from {first} {freeze.from_time:%H:%M} "
        f"to {last} {freeze.to_time:%H:%M} ({freeze.time_zone}): {freeze.reason}."
    )


def _note(user: User, action: str, freeze: Freeze, message: str) -> None:
    audit_note(
        action=action,
        by=user.username,
        target=f"freeze:{'*' if freeze.everywhere else freeze.environment}",
        message=message,
    )
