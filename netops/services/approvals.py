"""Judging a plan. Nobody judges their own change."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from hosts.services.hosts import require_online
from netops.models import Approval, Change, Job
from netops.services.change_notes import change_note
from netops.services.jobs import job_dispatch
from netops.services.moves import change_lock, state_enter
from netops.states import State
from people.errors import Conflict, Forbidden, InvalidInput
from people.models import User

COMMENT_LENGTH = 2000


def _may_judge(user: User, change: Change) -> None:
    if not user.can_approve():
        raise Forbidden("role", "Only an approver or admin judges changes.")
    if change.requested_by_id == user.pk:
        raise Forbidden("own-change", "Nobody judges their own change.")


def _check_comment(comment: str, *, required: bool) -> None:
    if required and not comment.strip():
        raise InvalidInput("required", "Say why you reject it.", "comment")
    if len(comment) > COMMENT_LENGTH or "\x00" in comment:
        message = f"A comment is plain text of at most {COMMENT_LENGTH} characters."
        raise InvalidInput("invalid", message, "comment")


def _judgeable(change: Change) -> Change:
    locked = change_lock(change.pk)
    if locked.state != State.AWAITING_APPROVAL:
        state = State(locked.state).label.lower()
        raise Conflict("state", f"Change {locked.pk} is {state}; it does not wait for approval.")
    return locked


def change_approve(*, user: User, change: Change, plan_digest: str, comment: str = "") -> Change:
    """Approve the very plan with that digest; its job goes to the host at once.

    Raises Forbidden below approver and for the requester, InvalidInput for the comment, Conflict
    when the change does not wait for approval, its plan is another or the host is not online.
    """
    _may_judge(user, change)
    _check_comment(comment, required=False)
    with transaction.atomic():
        locked = _judgeable(change)
        if plan_digest != locked.plan_digest:
            message = "The plan is not the one that you read; look at it again."
            raise Conflict("plan-digest", message, "plan_digest")
        require_online(locked.host)
        _note(locked, user, Approval.Decision.APPROVED, comment)
        expires_at = timezone.now() + timedelta(seconds=settings.JOB_EXPIRES_S)
        job = Job.objects.create(change=locked, expires_at=expires_at)
        # Before the live views hear of it: the host should have the job first.
        transaction.on_commit(lambda: job_dispatch(job=job))
        message = f"{user.username} approved the plan."
        state_enter(locked, State.APPROVED, message, by=user.username, job=job.pk)
    return locked


def change_reject(*, user: User, change: Change, comment: str) -> Change:
    """Reject a plan, with a reason; the change ends.

    Raises Forbidden below approver and for the requester, InvalidInput without a comment, Conflict
    when the change does not wait for approval.
    """
    _may_judge(user, change)
    _check_comment(comment, required=True)
    with transaction.atomic():
        locked = _judgeable(change)
        _note(locked, user, Approval.Decision.REJECTED, comment)
        message = f"{user.username} rejected the plan."
        state_enter(locked, State.REJECTED, message, by=user.username)
    return locked


def _note(change: Change, user: User, decision: Approval.Decision, comment: str) -> None:
    Approval.objects.create(
        change=change,
        by=user,
        decision=decision,
        comment=comment.strip(),
        plan_digest=change.plan_digest,
    )
    change_note(change, decision, user, plan_digest=change.plan_digest, comment=comment.strip())
