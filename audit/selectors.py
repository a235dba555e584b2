"""Reads of the audit log."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q, QuerySet

from audit.models import Entry


def entry_list(
    *,
    by: str = "",
    action: str = "",
    target: str = "",
    q: str = "",
    since: date | None = None,
    until: date | None = None,
    after: int | None = None,
) -> QuerySet[Entry]:
    """Return entries, newest first, narrowed by what is given.

    `action` is a whole action or its noun ("change" stands for all that begin with "change.");
    `q` is in the sentence, the names or the address; `since` and `until` are days in UTC, both
    included; `after` is a number above which entries are wanted, the oldest first. Texts must be
    without NUL.
    """
    entries = Entry.objects.all()
    if by:
        entries = entries.filter(by=by)
    if action:
        entries = entries.filter(Q(action=action) | Q(action__startswith=f"{action}."))
    if target:
        entries = entries.filter(target=target)
    if q:
        said = Q(message__icontains=q) | Q(by__icontains=q)
        entries = entries.filter(said | Q(target__icontains=q) | Q(address__icontains=q))
    if since is not None:
        entries = entries.filter(at__gte=_midnight(since))
    if until is not None and until < date.max:
        entries = entries.filter(at__lt=_midnight(until + timedelta(days=1)))
    return entries if after is None else entries.filter(pk__gt=after).order_by("pk")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def actions_in_use() -> list[tuple[str, list[str]]]:
    """Return the actions that the log has, by their noun, both in order of the alphabet."""
    found: dict[str, list[str]] = {}
    for action in Entry.objects.order_by("action").values_list("action", flat=True).distinct():
        found.setdefault(action.partition(".")[0], []).append(action)
    return list(found.items())
