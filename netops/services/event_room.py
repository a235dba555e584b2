"""How much of what a host says of one job is kept: its record is read whole by every page."""

from __future__ import annotations

from django.db.models import Count, Q, Sum, TextField
from django.db.models.functions import Cast, Length

from netops.models import Event, Job

# Of one job: events, those after a way back that was begun when it had ended, and characters.
MOST_EVENTS, MOST_AFTER, MOST_TEXT = 5_000, 500, 4_000_000
# States with much to say: the differences of a stale plan are one.
LARGE_STATES = 100


class Room:
    """What is kept of a job so far, and what may still be added. How it ends always may."""

    def __init__(self, job: Job) -> None:
        rows = Event.objects.filter(job=job)
        length = Length("message") + Length(Cast("data", TextField()))
        sums = rows.aggregate(
            rows=Count("pk"), states=Count("pk", filter=Q(type="state")), text=Sum(length)
        )
        self._job, self._rows, self._states = job, int(sums["rows"]), int(sums["states"])
        self._text = int(sums["text"] or 0)
        self._after = 0
        if job.finished_at is not None:
            opened = rows.filter(type="rollback_started").order_by("-seq").first()
            self._after = rows.filter(seq__gt=opened.seq).count() if opened else 0

    @property
    def may_reopen(self) -> bool:
        """True until a host has begun ways back of an ended job very often."""
        return self._rows < 2 * MOST_EVENTS and self._text < 2 * MOST_TEXT

    def large(self, type_: str) -> bool:
        """True for an event whose data may be large."""
        return type_ == "end" or (type_ == "state" and self._states < LARGE_STATES)

    def takes(self, type_: str, *, opens: bool) -> bool:
        """True if there is room for an event; `opens` for the first of a way back after the end."""
        if type_ == "end" or opens:
            return True
        after = self._job.finished_at is not None
        # Such a one would begin the count of what came after the end anew.
        if after and (self._after >= MOST_AFTER or type_ == "rollback_started"):
            return False
        if self._rows < MOST_EVENTS and self._text < MOST_TEXT:
            return True
        way_back = type_ in ("rollback_started", "rolled_back")
        return way_back and not Event.objects.filter(job=self._job, type=type_).exists()

    def add(self, event: Event, *, opens: bool) -> None:
        """Count an event that is kept."""
        self._rows += 1
        self._states += event.type == "state"
        self._text += len(event.message) + len(str(event.data))
        self._after = 0 if opens else self._after + 1
