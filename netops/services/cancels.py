"""Cancelling: the host goes back; or it never had the job, and the change is withdrawn."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from audit.services import audit_note
from hosts.services import dispatch
from hosts.services.broker_access import BrokerAway
from netops.models import Change, Job
from netops.services.moves import change_lock, event_append, state_enter
from netops.states import UNDER_WAY, State
from netops.wire import CancelRequest
from people.errors import Conflict
from people.models import User
from policies.access import may_cancel


def change_cancel(*, user: User, change: Change) -> Change:
    """Have the host stop at the next safe point and go back; withdraw what it never had.

    Raises Forbidden (policies.access), Conflict when no job is under way, BrokerAway.
    """
    may_cancel(user=user, change=change)
    with transaction.atomic():
        locked = change_lock(change.pk)
        job = Job.objects.filter(change=locked, finished_at=None).first()
        if job is None or locked.state not in UNDER_WAY:
            state = State(locked.state).label.lower()
            raise Conflict("state", f"Change {locked.pk} is {state}; there is no job to cancel.")
        if job.confirmed_at is not None:
            raise Conflict("confirmed", f"{job.confirmed_by} has confirmed it; revert it instead.")
        if job.cancel_asked_at is None:
            _note(user, locked, job)
        try:
            if unheard(locked, job) and dispatch.take_back(host=locked.host, task_id=job.pk):
                cancelled_unheard(locked, job)
            else:
                dispatch.send(host=locked.host, body=CancelRequest(job.pk, job.cancel_by))
        except BrokerAway:
            # What was never sent will not be: the sweep ends it when the broker is back.
            if job.dispatched_at is not None or not unheard(locked, job):
                raise
    return locked


def unheard(change: Change, job: Job) -> bool:
    """True while the host has said nothing that shows that it has the job."""
    return not job.last_seq and change.state in (State.APPROVED, State.UNKNOWN)


def cancelled_unheard(change: Change, job: Job) -> None:
    """End a cancelled job of a locked change that its host does not have and will not get."""
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now())
    message = f"{job.cancel_by} cancelled it before its host had it."
    state_enter(change, State.WITHDRAWN, message, by=job.cancel_by, job=job.pk)


@transaction.atomic
def job_cancelled_end(*, job: Job, lease: timedelta) -> bool:
    """Withdraw the change of a cancelled job that was never sent, or would have to be sent again.

    Where its entry is nowhere, a host that has it after all gets the lease to say so: a send whose
    answer was lost may have got through.
    """
    change = change_lock(job.change_id)
    job.refresh_from_db()
    if job.finished_at is not None or job.cancel_asked_at is None or not unheard(change, job):
        return False
    try:
        there = dispatch.take_back(host=change.host, task_id=job.pk)
    except BrokerAway:
        return False
    early = job.cancel_asked_at > timezone.now() - lease
    if not there and (early or job.dispatched_at is not None):
        return False
    cancelled_unheard(change, job)
    return True


def _note(user: User, change: Change, job: Job) -> None:
    job.cancel_asked_at, job.cancel_by = timezone.now(), user.username
    job.save(update_fields=["cancel_asked_at", "cancel_by"])
    message = f"{user.username} asked the host to stop and go back."
    event_append(change, "state", message, data={"state": change.state, "by": user.username})
    audit_note(
        action="change.cancelled",
        by=user.username,
        target=f"change:{change.pk}",
        message=f"{user.username} cancelled change {change.pk} on {change.host.name}.",
    )
