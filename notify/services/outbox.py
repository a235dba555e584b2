"""What happened, written down in the transaction of what it is about: neither lost nor untrue."""

from __future__ import annotations

from netops.states import State
from notify.happenings import TOLD_STATES
from notify.models import Happened


def state_happened(*, change_id: int, state: State) -> None:
    """Note that a change entered a state, if anybody can want to be told of it."""
    if state in TOLD_STATES:
        Happened.objects.create(change_id=change_id, what=str(state))


def confirm_happened(*, change_id: int) -> None:
    """Note that a change waits for a person to confirm it."""
    Happened.objects.create(change_id=change_id, what="confirm")


def comment_happened(*, change_id: int, by: str, text: str) -> None:
    """Note that somebody (by name) wrote a comment on a change."""
    Happened.objects.create(change_id=change_id, what="comment", by=by, text=text)
