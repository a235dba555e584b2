"""What passes over the channel of events and is none: a word to look whether there is a comment."""

from __future__ import annotations

from django.utils import timezone

from netops.event_row import EventRow

NUDGE_SEQ = 0
"""Events are numbered from 1, so that no reader of events takes a nudge for one."""


def nudge(change_id: int) -> EventRow:
    """Return the word to look for comments on a change."""
    at = timezone.now().isoformat()
    return EventRow(
        change=change_id, seq=NUDGE_SEQ, at=at, type="comment", step=None, message="", data={}
    )
