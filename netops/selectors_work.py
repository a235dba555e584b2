"""Reads of changes for the page of one person's work."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Case, Exists, IntegerField, OuterRef, QuerySet, Value, When

from netops.models import Change
from netops.selectors_now import with_now
from netops.states import HOLDING, RESUMABLE, State
from people.models import User

OPEN = (*HOLDING, State.PLANNING, *RESUMABLE)
"""Not at its end: something or somebody may still go on with it."""


def _listed() -> QuerySet[Change]:
    changes = Change.objects.select_related("host", "requested_by")
    return with_now(changes.defer("plan", "host__observed"))


def changes_in_need(*, most: int) -> list[Change]:
    """Return the changes that failed or of which nothing is known, the last of them first,
    without those whose host has come through a later change."""
    later = Change.objects.filter(
        host=OuterRef("host"), pk__gt=OuterRef("pk"), state=State.SUCCEEDED
    )
    needy = _listed().filter(state__in=[State.FAILED, State.UNKNOWN])
    return list(needy.exclude(Exists(later)).order_by("-updated_at", "-pk")[:most])


def changes_asked(*, user: User, most: int, without: Iterable[int] = ()) -> list[Change]:
    """Return what a person asked for: what is open first, then what ended, each by the last word
    of it; `without` are the numbers of those that stand elsewhere on the page."""
    rank = Case(When(state__in=OPEN, then=Value(0)), default=Value(1), output_field=IntegerField())
    asked = _listed().filter(requested_by=user).exclude(pk__in=list(without))
    return list(asked.annotate(rank=rank).order_by("rank", "-updated_at", "-pk")[:most])
