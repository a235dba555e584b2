"""What hosts say about their jobs: taken down once, in order, with nothing missing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.services import audit_note
from hosts.models import Host
from hosts.services.clean import clean_text
from hosts.services.origins import origins_doubt
from netops.models import Change, Event, Job
from netops.services.event_room import Room
from netops.services.event_said import TYPES, said_data, said_time
from netops.services.jobs import events_ask
from netops.services.moves import (
    change_lock,
    change_move,
    event_append,
    history_reopen,
    state_enter,
)
from netops.states import State
from netops.wire import JobEvent

log = logging.getLogger(__name__)
_WRITTEN = ["last_seq", "alive_at", "started_at", "finished_at", "outage_s", "result"]
_WRITTEN += ["begin_heard_at", "end_heard_at"]
OUTCOMES = (State.SUCCEEDED, State.ROLLED_BACK, State.FAILED, State.STALE)


@transaction.atomic
def job_events_store(
    *,
    host: Host,
    job_id: str,
    events: Sequence[JobEvent],
    arrived: tuple[datetime, datetime] | None = None,
) -> int:
    """Keep those of a job's events (in any order) that come next; return how many.

    `arrived` is when the first and the last of them reached the site's broker (None: now).

    Nothing is kept beyond a gap: the host is asked to send it again. An event that is there
    already, or of a job that is not this host's, is dropped.
    """
    job = Job.objects.filter(pk=job_id, change__host=host).first()
    if job is None:
        log.warning("%s: events of a job that is not its own (%.40s)", host.name, job_id)
        return 0
    first, last = arrived or (timezone.now(), timezone.now())
    change = change_lock(job.change_id)
    job.refresh_from_db()
    stored, room = 0, Room(job)
    for event in sorted(events, key=lambda e: e.seq):
        if event.seq <= job.last_seq or not _takes(change, job, event, room):
            continue
        if event.seq != job.last_seq + 1:
            transaction.on_commit(lambda: _ask_again(job, host))
            break
        if _store(change, job, event, room):
            job.end_heard_at = last
        stored += 1
    if stored:
        job.begin_heard_at = job.begin_heard_at or first
        job.alive_at = timezone.now()
        job.save(update_fields=_WRITTEN)
    return stored


def _ask_again(job: Job, host: Host) -> None:
    events_ask(job=job, host=host)


def _takes(change: Change, job: Job, event: JobEvent, room: Room) -> bool:
    """True while the job's history is open; one that succeeded or failed is opened again by the way
    back that somebody started at the host's console."""
    if job.finished_at is None:
        return True
    newest = Job.objects.filter(change=change).first()
    if change.state not in (State.SUCCEEDED, State.FAILED) or newest != job:
        return False
    if not _ended(change):
        return True
    return event.type == "rollback_started" and room.may_reopen


def _ended(change: Change) -> bool:
    return Event.objects.filter(change=change, type="end").exists()


def _store(change: Change, job: Job, event: JobEvent, room: Room) -> bool:
    """Keep one event; return True where the job ended, or a way back began after its end."""
    at = said_time(event.at)
    type_ = event.type if event.type in TYPES else "output"
    data = said_data(type_, event.data, large=room.large(type_))
    job.last_seq = event.seq
    job.started_at = job.started_at or at
    opens = job.finished_at is not None and type_ == "rollback_started" and _ended(change)
    if opens:
        history_reopen(change)
        origins_doubt(host=change.host, change_id=change.pk)
    if type_ == "end" and job.finished_at is not None:
        data = _undone(change, job, data)
    elif type_ == "end":
        data = _finish(change, job, at, data)
    elif change.state == State.APPROVED:
        change_move(change, State.RUNNING)
    elif change.state == State.UNKNOWN:
        state_enter(change, State.RUNNING, "The host is heard from again.", job=job.pk)
    if not room.takes(type_, opens=opens):
        return type_ == "end"
    kept = event_append(
        change,
        type_,
        clean_text(event.message),
        at=at,
        step=event.step if event.step is None or 0 <= event.step < 10_000 else None,
        job=job,
        job_seq=event.seq,
        data=data,
    )
    room.add(kept, opens=opens)
    return opens or type_ == "end"


def _finish(change: Change, job: Job, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    """The host's word on how the job ended becomes the state of the change."""
    told = data.get("state")
    # A host that ends a job with a word of its own needs a person.
    state = State(told) if told in OUTCOMES else State.FAILED
    data["state"] = str(state)
    change_move(change, state)
    outage = data.get("outage_s")
    number = isinstance(outage, (int, float)) and not isinstance(outage, bool)
    job.outage_s = float(outage) if number and 0 <= outage < 1e9 else None  # type: ignore[operator,arg-type]
    job.finished_at = at
    job.result = data
    return data


def _undone(change: Change, job: Job, data: dict[str, Any]) -> dict[str, Any]:
    """A job that had succeeded or failed was undone at the host's console."""
    # It stays succeeded where the way back was closed and the host went on to the new state.
    kept = (State.ROLLED_BACK, State.SUCCEEDED)
    told = data.get("state")
    state = State(told) if told in kept else State.FAILED
    data["state"] = str(state)
    job.result = data
    # What failed and could not be undone either is what it was.
    if change.state == state:
        return data
    change_move(change, state)
    message = f"Change {change.pk} was undone at the console of {change.host.name}: {state}."
    if state == State.SUCCEEDED:
        message = (
            f"Change {change.pk} could not be undone at the console of {change.host.name}: its way "
            "back was closed, and the host is whole on the new state."
        )
    audit_note(
        action="change.reverted-by-hand",
        by="",
        target=f"change:{change.pk}",
        message=message,
    )
    return data
