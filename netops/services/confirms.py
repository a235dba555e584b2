"""The end of a job: the host asks over a fresh connection, the site or a person confirms."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from audit.services import audit_note
from hosts.models import Host
from hosts.services import dispatch
from hosts.services.broker_access import BrokerAway
from netops.models import Change, Job
from netops.services.moves import change_lock, event_append
from netops.states import State
from netops.wire import ConfirmAsk, ConfirmGiven
from notify.services.outbox import confirm_happened
from people.errors import Conflict
from people.models import User
from policies.access import may_cancel

log = logging.getLogger(__name__)


@transaction.atomic
def confirm_asked(*, host: Host, ask: ConfirmAsk) -> bool:
    """Take down that a host asks for the confirm of its job, and give it unless a person shall.

    The host asks again every few seconds; False for a job that is not its own or has ended.
    """
    job = Job.objects.filter(pk=ask.job_id, change__host=host, finished_at=None).first()
    if job is None or not ask.nonce or len(ask.nonce) > 64:
        log.warning("%s asks to confirm a job that is not under way (%.40s)", host.name, ask.job_id)
        return False
    change = change_lock(job.change_id)
    left = timedelta(seconds=min(max(ask.left_s, 0.0), 3600.0))
    fresh = job.confirm_nonce != ask.nonce
    if fresh:
        until = timezone.now() + left
        Job.objects.filter(pk=job.pk).update(
            confirm_nonce=ask.nonce, confirm_until=until, confirmed_at=None, confirmed_by=""
        )
    job.refresh_from_db()
    if job.cancel_asked_at is not None:
        return False
    if change.confirm == Change.Confirm.PERSON and job.confirmed_at is None:
        if fresh:
            message = "Somebody has to confirm this change now, or the host goes back."
            event_append(change, "state", message, data={"state": change.state})
            confirm_happened(change_id=change.pk)
        return True
    by = job.confirmed_by or "site"
    transaction.on_commit(lambda: _give(host, job, by))
    return True


def change_confirm(*, user: User, change: Change) -> Change:
    """Keep what the job did, where the request asked for a person to say so.

    Raises Forbidden (policies.access), Conflict when the host does not wait for it, BrokerAway.
    """
    may_cancel(user=user, change=change)
    with transaction.atomic():
        locked = change_lock(change.pk)
        job = Job.objects.filter(change=locked, finished_at=None).first()
        if job is None or not job.confirm_nonce or locked.state != State.RUNNING:
            raise Conflict("state", f"Change {locked.pk} does not wait to be confirmed.")
        if job.confirm_until is not None and job.confirm_until < timezone.now():
            raise Conflict("too-late", "The time to confirm is over; the host goes back.")
        if job.cancel_asked_at is not None:
            raise Conflict("cancelled", f"{job.cancel_by} has cancelled the job.")
        job.confirmed_at, job.confirmed_by = timezone.now(), user.username
        job.save(update_fields=["confirmed_at", "confirmed_by"])
        message = f"{user.username} confirmed this change."
        data = {"state": locked.state, "by": user.username}
        event_append(locked, "state", message, data=data)
        audit_note(
            action="change.confirmed",
            by=user.username,
            target=f"change:{locked.pk}",
            message=f"{user.username} confirmed change {locked.pk} on {locked.host.name}.",
        )
        dispatch.send(host=locked.host, body=ConfirmGiven(job.pk, job.confirm_nonce, user.username))
    return locked


def _give(host: Host, job: Job, by: str) -> None:
    try:
        dispatch.send(host=host, body=ConfirmGiven(job.pk, job.confirm_nonce, by))
    except BrokerAway as away:
        log.warning("the confirm of job %s waits: %s", job.pk, away.message)
        return
    Job.objects.filter(pk=job.pk, confirmed_at=None).update(
        confirmed_at=timezone.now(), confirmed_by=by
    )
