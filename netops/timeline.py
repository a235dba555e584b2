"""What happened around a change and what people said, in one row. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from attrs import evolve, frozen

from netops.event_row import EventRow
from netops.models import Approval, Comment
from netops.states import State
from netops.words import StateWord, state_word

COMMENT, STATE = "comment", "state"
# An approval and the event that tells of it are written in one transaction.
_TOGETHER = timedelta(seconds=5)
# What was done then; a sign of what is going on now would be untrue for ever after.
_DEEDS: dict[str, str] = {
    State.PLANNING: "pencil",
    State.AWAITING_APPROVAL: "list-check",
    State.RUNNING: "server",
    State.EXPIRED: "clock",
}


@frozen
class Moment:
    """One entry. `kind` is comment, approved, rejected or state; `by` is "" where nobody did it;
    `word` is the state that was entered, None for what a person said, `comment` the
    number of a comment."""

    kind: str
    at: datetime
    by: str
    text: str
    key: str
    word: StateWord | None = None
    comment: int = 0


def timeline_of(
    *,
    events: Iterable[EventRow],
    approvals: Sequence[Approval],
    comments: Iterable[Comment],
) -> list[Moment]:
    """Return comments, judgements and moves of a change, oldest first.

    An event that only tells of a judgement is left out, and so is one that says the same again (a
    history that went on has its former `end` as a second word).
    """
    moments = [
        Moment(COMMENT, said.at, said.by.username, said.text, f"comment-{said.pk}", comment=said.pk)
        for said in comments
    ]
    moments += [
        Moment(given.decision, given.at, given.by.username, given.comment, f"given-{given.pk}")
        for given in approvals
    ]
    moments += _moves(events, approvals)
    return sorted(moments, key=lambda moment: moment.at)


def _moves(events: Iterable[EventRow], approvals: Sequence[Approval]) -> list[Moment]:
    moves: list[Moment] = []
    before = ("", "")
    for row in events:
        state = str(row.data.get("state") or "")
        if row.type != "state" or not state:
            continue
        same, before = before == (state, row.message), (state, row.message)
        at = datetime.fromisoformat(row.at)
        if same or _tells_of_one(row, at, approvals):
            continue
        word = state_word(state)
        word = evolve(word, icon=_DEEDS.get(state, word.icon), spin=False)
        moves.append(Moment(STATE, at, "", row.message, f"move-{row.seq}", word))
    return moves


def _tells_of_one(row: EventRow, at: datetime, approvals: Sequence[Approval]) -> bool:
    by = row.data.get("by")
    # What the same person did next (withdraw, cancel, confirm) is no word of their judgement.
    judged = "approvals" in row.data or row.data.get("state") in ("approved", "rejected")
    if not by or not judged or row.data.get("break_glass"):
        return False
    return any(a.by.username == by and abs(a.at - at) < _TOGETHER for a in approvals)
