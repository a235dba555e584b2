"""Jobs: sent to the host, watched, and settled when the host does not carry them out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from hosts.models import Host
from hosts.selectors import reserved_for_wire
from hosts.services import dispatch
from hosts.services.broker_access import BrokerAway
from hosts.services.clean import clean_text
from netops.models import Change, Job
from netops.services.cancels import cancelled_unheard, unheard
from netops.services.moves import change_lock, state_enter
from netops.states import UNDER_WAY, State
from netops.wire import ApplyRequest, JobRefused, ResendRequest
from people.errors import Conflict

log = logging.getLogger(__name__)
RESEND_EVERY = timedelta(seconds=2)


@transaction.atomic
def job_dispatch(*, job: Job) -> bool:
    """Send an approved job to its host; False if the broker is away (a sweep repeats), or if it was
    withdrawn, cancelled or sent meanwhile.

    Sent twice it still runs once: the host uses the job's id up.
    """
    change = change_lock(job.change_id)
    job.refresh_from_db()
    if job.finished_at is not None or job.cancel_asked_at is not None:
        return False
    if not unheard(change, job) or job.dispatched_at is not None:
        return False
    plan = change.current_plan
    if plan is None:
        raise ValueError(f"change {change.pk} was approved without a plan")
    request = ApplyRequest(
        job_id=job.pk,
        change_id=change.pk,
        kind=plan.kind,
        spec=plan.spec,
        plan=plan,
        expires_at=job.expires_at.isoformat(),
        reserved=reserved_for_wire(),
        confirm=change.confirm,
        confirm_window_s=float(change.confirm_window_s),
        time_limit_s=float(settings.JOB_TIME_S),
    )
    try:
        dispatch.send(host=change.host, body=request, task_id=job.pk)
    except BrokerAway as away:
        log.warning("job %s waits: %s", job.pk, away.message)
        return False
    Job.objects.filter(pk=job.pk).update(dispatched_at=timezone.now())
    return True


def jobs_alive(*, running: Mapping[str, str]) -> None:
    """Note the job (by id) that each host (by id) says in its heartbeat to be at, if it is its own.

    A change taken for lost runs again: its host is heard from, and works.
    """
    if not running:
        return
    named = Job.objects.filter(pk__in=set(running.values()), finished_at=None)
    ids = [pk for pk, host in named.values_list("pk", "change__host_id") if running.get(host) == pk]
    if not ids:
        return
    Job.objects.filter(pk__in=ids, finished_at=None).update(alive_at=timezone.now())
    lost = Job.objects.filter(pk__in=ids, finished_at=None, change__state=State.UNKNOWN)
    for job in lost:
        with transaction.atomic():
            change = change_lock(job.change_id)
            if change.state == State.UNKNOWN:
                state_enter(change, State.RUNNING, "The host is at the job.", job=job.pk)


def events_ask(*, job: Job, host: Host) -> bool:
    """Ask the host for the job's events after those that are stored, at most every 2 s.

    The host answers with events, or that it never had the job.
    """
    now = timezone.now()
    recent = Job.objects.filter(pk=job.pk, resend_asked_at__gt=now - RESEND_EVERY)
    if recent.exists() or not Job.objects.filter(pk=job.pk).update(resend_asked_at=now):
        return False
    last_seq = Job.objects.values_list("last_seq", flat=True).get(pk=job.pk)
    try:
        dispatch.send(host=host, body=ResendRequest(job.pk, last_seq))
    except BrokerAway:
        return False
    return True


@transaction.atomic
def job_refusal_store(*, host: Host, refused: JobRefused) -> bool:
    """Take down that a host did not carry out a job; False when that decides nothing."""
    job = Job.objects.filter(pk=refused.job_id, change__host=host, finished_at=None).first()
    if job is None:
        log.warning("%s refused (%s): %s", host.name, refused.code, clean_text(refused.message))
        return False
    change = change_lock(job.change_id)
    job.refresh_from_db()
    if job.last_seq and change.state == State.UNKNOWN and refused.code == "unknown-job":
        _journal_gone(change, job)
        return True
    if not unheard(change, job):
        return False
    if refused.code in ("replayed", "ended"):
        transaction.on_commit(lambda: events_ask(job=job, host=host))
        return False
    late = job.expires_at <= timezone.now()
    if refused.code in ("busy", "unknown-job") and job.cancel_asked_at is not None:
        return _cancelled(change, job)
    if refused.code in ("busy", "unknown-job") and not late:
        # Not refused for good: the sweep sends it again until it expires.
        Job.objects.filter(pk=job.pk).update(dispatched_at=None)
        return False
    text = clean_text(refused.message)
    expired = late or refused.code in ("expired", "busy", "unknown-job")
    _not_done(change, job, State.EXPIRED if expired else State.STALE, text)
    return True


def _cancelled(change: Change, job: Job) -> bool:
    """The host does not have a job that was cancelled: it shall not get it any more."""
    try:
        # An entry that it has not fetched yet would be carried out.
        dispatch.take_back(host=change.host, task_id=job.pk)
    except BrokerAway:
        # The sweep ends it when the broker is back.
        Job.objects.filter(pk=job.pk).update(dispatched_at=None)
        return False
    cancelled_unheard(change, job)
    return True


def _journal_gone(change: Change, job: Job) -> None:
    """The host worked on the job and knows nothing of it any more."""
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now())
    message = "The host was at this job and has no journal of it any more; somebody has to look."
    state_enter(change, State.FAILED, message, job=job.pk)


def _not_done(change: Change, job: Job, to: State, text: str) -> None:
    """The host did nothing for the job and never will."""
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now())
    state_enter(change, to, f"The job was not carried out: {text}", job=job.pk)


def job_take_back(*, change: Change) -> None:
    """End the job of a locked, approved change by taking it out of its host's queue.

    Raises Conflict when that is not certain: the host has it, or it is just being sent; BrokerAway.
    """
    job = Job.objects.filter(change=change, finished_at=None).first()
    if job is None or job.last_seq:
        raise Conflict("with-host", f"{change.host.name} has the job already. Cancel it instead.")
    if not dispatch.take_back(host=change.host, task_id=job.pk):
        if job.dispatched_at is None:
            raise Conflict("being-sent", "The job is just being sent. Try again in some seconds.")
        raise Conflict("with-host", f"{change.host.name} has the job already. Cancel it instead.")
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now())


@transaction.atomic
def job_expire(*, job: Job) -> bool:
    """End a job that its host did not fetch in time, by taking it out of the host's queue, or that
    never left."""
    change = change_lock(job.change_id)
    job.refresh_from_db()
    if job.finished_at is not None or not unheard(change, job):
        return False
    try:
        taken = dispatch.take_back(host=change.host, task_id=job.pk)
    except BrokerAway:
        return False
    if not taken and job.dispatched_at is not None:
        return False
    _not_done(change, job, State.EXPIRED, "the host did not fetch it in time.")
    return True


@transaction.atomic
def job_abandon(*, job: Job) -> bool:
    """End a job whose host was revoked: nothing more will ever be heard of it."""
    change = change_lock(job.change_id)
    job.refresh_from_db()
    if job.finished_at is not None or change.state not in UNDER_WAY:
        return False
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now())
    message = "The host was revoked before the end of this job was known; somebody has to look."
    state_enter(change, State.FAILED, message, job=job.pk)
    return True
