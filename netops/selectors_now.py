"""Where changes in a list are right now: what their own pages read from the job and its events."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.fields.json import KeyTextTransform

from netops.models import Change, Event, Job
from netops.states import State


def with_now(changes: QuerySet[Change]) -> QuerySet[Change]:
    """Add to changes what `words.word_now` reads: `asks_confirm` (all is done, and a person must
    say that it shall stay), `goes_back` (cancelled, or being rolled back) and `sent_early` (sent
    without its approvals, and not begun). One query with the rest; only rows of changes under way
    look further than themselves."""
    newest = Job.objects.filter(change=OuterRef("pk")).order_by("-created_at")
    found = changes.annotate(job_now=Subquery(newest.values("pk")[:1]))
    job = Job.objects.filter(pk=OuterRef("job_now"))
    asked = job.filter(confirm_nonce__gt="", confirmed_at=None, cancel_asked_at=None)
    back = Event.objects.filter(job=OuterRef("job_now"), type="rollback_started")
    cancelled = job.filter(cancel_asked_at__isnull=False)
    sent = Event.objects.filter(change=OuterRef("pk"), type="state", data__break_glass=True)
    sent = sent.annotate(job_named=KeyTextTransform("job", "data"))
    sent = sent.filter(job_named=OuterRef("job_now"))
    running = Q(state=State.RUNNING)
    return found.annotate(
        asks_confirm=_where(running & Q(confirm=Change.Confirm.PERSON), Exists(asked)),
        goes_back=_where(running, Exists(cancelled) | Exists(back)),
        sent_early=_where(Q(state=State.APPROVED) & ~Q(break_glass_by=""), Exists(sent)),
    )


def _where(condition: Q, then: Any) -> Case:
    """A condition that is looked up for hardly any row."""
    return Case(When(condition, then=then), default=Value(False))
