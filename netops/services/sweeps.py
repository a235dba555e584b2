"""What is put right by itself, every few seconds. Each is safe to run twice and at the same time
in several processes."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from hosts.services import broker_access, dispatch
from hosts.services.broker_access import BrokerAway
from netops.models import Change, Job
from netops.services.cancels import job_cancelled_end
from netops.services.jobs import events_ask, job_abandon, job_dispatch, job_expire
from netops.services.lost import job_lost, job_swallowed
from netops.services.moves import change_lock, state_enter
from netops.services.plans import plan_ask
from netops.states import UNDER_WAY, State
from people.errors import Conflict
from policies.selectors import approvals_overdue

PLAN_AGAIN = timedelta(seconds=30)


def plans_ask_again() -> int:
    """Repeat plan requests that never left, or that a host has fetched and not answered."""
    now, sent = timezone.now(), 0
    waiting = Q(plan_asked_at=None) | Q(plan_asked_at__lt=now - PLAN_AGAIN)
    changes = Change.objects.filter(waiting, state=State.PLANNING).select_related("host")
    for change in changes.exclude(updated_at__gt=now - timedelta(seconds=2)):
        try:
            unfetched = change.plan_asked_at is not None and dispatch.waiting(host=change.host)
        except BrokerAway:
            # One host's queue may be at fault; a broker that is away is not waited for each time.
            if broker_access.answers():
                continue
            return sent
        if change.host.is_online and not unfetched:
            sent += plan_ask(change)
    return sent


def jobs_send() -> int:
    """Send approved jobs that the broker did not take, or that their host has to get again."""
    grace = timezone.now() - timedelta(seconds=2)
    jobs = Job.objects.filter(
        dispatched_at=None,
        finished_at=None,
        cancel_asked_at=None,
        last_seq=0,
        created_at__lt=grace,
        expires_at__gt=timezone.now(),
        change__state__in=(State.APPROVED, State.UNKNOWN),
        change__host__revoked_at=None,
    )
    return sum(job_dispatch(job=job) for job in jobs)


def jobs_settle() -> int:
    """Expire what no host fetched in time, withdraw what was cancelled before its host had it, mark
    lost jobs unknown, ask hosts about lost ones."""
    lease, settled = timedelta(seconds=settings.JOB_LEASE_S), 0
    jobs = Job.objects.filter(finished_at=None, change__state__in=UNDER_WAY)
    for job in jobs.select_related("change__host"):
        state, host = job.change.state, job.change.host
        if host.revoked_at is not None:
            settled += job_abandon(job=job)
        elif state == State.RUNNING:
            settled += job_lost(job=job, lease=lease)
        elif job.cancel_asked_at is not None and job.dispatched_at is None:
            settled += job_cancelled_end(job=job, lease=lease)
        elif not job.last_seq and _unheard_settle(job, lease):
            settled += 1
        elif host.is_online and _silent(job, lease):
            events_ask(job=job, host=host)
    return settled


def _unheard_settle(job: Job, lease: timedelta) -> bool:
    """Settle a job of which no event is known, if its time is over or its host is gone with it."""
    if job.expires_at < timezone.now() and job_expire(job=job):
        return True
    swallowed = job.change.state == State.APPROVED and _silent(job, lease)
    return swallowed and job_swallowed(job=job, lease=lease)


def _silent(job: Job, lease: timedelta) -> bool:
    """True when the host must have had the job for a while and nothing is heard of it."""
    heard = job.alive_at or job.dispatched_at or job.created_at
    return heard < timezone.now() - lease


def changes_expire() -> int:
    """Expire what has waited too long for a plan or, by its environment's policy, for approvals."""
    limit = timezone.now() - timedelta(seconds=settings.PLANNING_EXPIRES_S)
    planning = Change.objects.filter(state=State.PLANNING, updated_at__lt=limit)
    expired = sum(_expire(change, State.PLANNING, "No plan came in time.") for change in planning)
    waiting = Change.objects.filter(approvals_overdue(), state=State.AWAITING_APPROVAL)
    message = "The approvals that it needs did not come in time."
    return expired + sum(_expire(change, State.AWAITING_APPROVAL, message) for change in waiting)


def _expire(change: Change, expected: State, message: str) -> bool:
    try:
        with transaction.atomic():
            locked = change_lock(change.pk)
            if locked.state != expected:
                return False
            state_enter(locked, State.EXPIRED, message)
    except Conflict:
        return False
    return True
