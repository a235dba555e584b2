"""Jobs of which nothing is heard any more: their changes become unknown."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from hosts.services import dispatch
from hosts.services.broker_access import BrokerAway
from netops.models import Job
from netops.services.moves import change_lock, state_enter
from netops.states import State


@transaction.atomic
def job_lost(*, job: Job, lease: timedelta) -> bool:
    """Mark a job's change unknown when its host has been silent for longer than the lease."""
    change = change_lock(job.change_id)
    job.refresh_from_db()
    alive_at = job.alive_at or job.started_at
    silent = alive_at is not None and alive_at < timezone.now() - lease
    if change.state != State.RUNNING or job.finished_at is not None or not silent:
        return False
    message = "The agent was lost in mid-job; the host's journal will say what became of it."
    state_enter(change, State.UNKNOWN, message, job=job.pk)
    return True


@transaction.atomic
def job_swallowed(*, job: Job, lease: timedelta) -> bool:
    """Mark a job's change unknown when its host fetched the job, said nothing of it, and has been
    silent altogether for longer than the lease."""
    change = change_lock(job.change_id)
    job.refresh_from_db()
    limit = timezone.now() - lease
    sent = job.dispatched_at is not None and job.dispatched_at < limit
    seen_at = change.host.last_seen_at
    if change.state != State.APPROVED or job.finished_at is not None or job.last_seq or not sent:
        return False
    if seen_at is not None and seen_at >= limit:
        return False
    try:
        if dispatch.holds(host=change.host, task_id=job.pk):
            return False
    except BrokerAway:
        return False
    state_enter(change, State.UNKNOWN, "The host has the job and is silent.", job=job.pk)
    return True
