"""A change's state and its history move together; the only code that writes either."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from hosts.services.broker_access import EVENTS_CHANNEL, announce
from netops.event_row import EventRow, row_of
from netops.models import Change, Event, Job
from netops.states import AT_REST, State, sources
from notify.services.outbox import state_happened
from people.errors import Conflict


def change_lock(change_id: int) -> Change:
    """Return the change, locked until the transaction ends (SQLite: the whole database is)."""
    return Change.objects.select_for_update(of=("self",)).select_related("host").get(pk=change_id)


def change_move(change: Change, to: State, **fields: Any) -> None:
    """Bring a locked change into another state, and set `fields`, by one conditional UPDATE.

    Raises Conflict when the table of transitions has no way from where it is.
    """
    now = timezone.now()
    allowed = [str(state) for state in sources(to)]
    moved = Change.objects.filter(pk=change.pk, state__in=allowed).update(
        state=to, updated_at=now, **fields
    )
    if moved != 1:
        state = State(change.state).label.lower()
        raise Conflict("state", f"Change {change.pk} is {state}; that cannot be done now.")
    state_happened(change_id=change.pk, state=to)
    change.state, change.updated_at = to, now
    for name, value in fields.items():
        setattr(change, name, value)


def event_append(
    change: Change,
    type_: str,
    message: str,
    *,
    at: datetime | None = None,
    step: int | None = None,
    job: Job | None = None,
    job_seq: int | None = None,
    data: dict[str, Any] | None = None,
) -> Event:
    """Add the next event to a locked change's history; live views hear of it after the commit.

    An `end` event gets its own number as `total`.
    """
    change.last_seq += 1
    Change.objects.filter(pk=change.pk).update(last_seq=change.last_seq)
    data = dict(data or {})
    if type_ == "end":
        data["total"] = change.last_seq
    event = Event.objects.create(
        change=change,
        seq=change.last_seq,
        job=job,
        job_seq=job_seq,
        at=at or timezone.now(),
        type=type_,
        step=step,
        message=message,
        data=data,
    )
    publish_after_commit(row_of(event))
    return event


def publish_after_commit(row: EventRow) -> None:
    """Hand an event to the live views once it is certain that it stays."""
    transaction.on_commit(lambda: announce(EVENTS_CHANNEL, [json.dumps(row.to_message())]))


def state_enter(change: Change, to: State, message: str, **data: Any) -> None:
    """Move a locked change and say so in its history; a state of rest ends the history."""
    fields = data.pop("fields", {})
    change_move(change, to, **fields)
    event_append(change, "state", message, data={"state": str(to), **data})
    if to in AT_REST:
        event_append(change, "end", message, data={"state": str(to)})


def history_reopen(change: Change) -> None:
    """Before a new plan: the `end` of the former round becomes a `state`, so that `end` is once."""
    for event in Event.objects.filter(change=change, type="end"):
        data = {key: value for key, value in event.data.items() if key != "total"}
        Event.objects.filter(pk=event.pk).update(type="state", data=data)
