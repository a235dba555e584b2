"""Judging a plan. Nobody judges their own change; the policy of the host's environment says how
many approvals a plan needs, and from whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from hosts.services.hosts import require_online
from netops.models import Approval, Change, Job
from netops.services.change_notes import change_note
from netops.services.jobs import job_dispatch
from netops.services.moves import change_lock, event_append, state_enter
from netops.states import State
from people.errors import Conflict, InvalidInput
from people.models import User
from policies.access import may_approve
from policies.review import Review, review_of
from policies.selectors import frozen_now

COMMENT_LENGTH = 2000


def _check_comment(comment: str, *, required: bool) -> None:
    if required and not comment.strip():
        raise InvalidInput("required", "Say why you reject it.", "comment")
    if len(comment) > COMMENT_LENGTH or "\x00" in comment:
        message = f"A comment is plain text of at most {COMMENT_LENGTH} characters."
        raise InvalidInput("invalid", message, "comment")


def judgeable(change: Change) -> Change:
    """Return the change, locked; raises Conflict unless it waits for approval."""
    locked = change_lock(change.pk)
    if locked.state != State.AWAITING_APPROVAL:
        state = State(locked.state).label.lower()
        raise Conflict("state", f"Change {locked.pk} is {state}; it does not wait for approval.")
    return locked


def require_digest(change: Change, plan_digest: str) -> None:
    """Raise Conflict unless the change's plan is the one that was read."""
    if plan_digest != change.plan_digest:
        message = "The plan is not the one that you read; look at it again."
        raise Conflict("plan-digest", message, "plan_digest")


def change_approve(*, user: User, change: Change, plan_digest: str, comment: str = "") -> Change:
    """Approve the very plan with that digest; with the last approval that the policy asks for, its
    job goes to the host at once. Until then the change goes on waiting.

    Raises Forbidden for who may not approve it, InvalidInput for the comment, Conflict when the
    change does not wait for approval, its plan is another or this person has approved it already;
    and, where this is the last approval, when the host is frozen or not online.
    """
    may_approve(user=user, change=change)
    _check_comment(comment, required=False)
    with transaction.atomic():
        locked = judgeable(change)
        require_digest(locked, plan_digest)
        # Asked again under the lock: a role, a group or the policy may be another by now.
        asking = User.objects.get(pk=user.pk)
        may_approve(user=asking, change=locked)
        review, again = _with_approval(locked, asking)
        if not review.met:
            _note(locked, user, Approval.Decision.APPROVED, comment)
            _wait_on(locked, user, review)
            return locked
        _require_not_frozen(locked)
        require_online(locked.host)
        if again:
            change_note(locked, "sent-on", user, plan_digest=locked.plan_digest)
        else:
            _note(locked, user, Approval.Decision.APPROVED, comment)
        message = f"{user.username} approved the plan."
        if review.needed > 1:
            message = f"{user.username} approved the plan ({review.given} of {review.needed})."
        job_create(locked, message, by=user.username)
    return locked


def _with_approval(change: Change, user: User) -> tuple[Review, bool]:
    """Return where the review stands with this person's approval, and whether they gave it before.

    Who has approved already changes nothing by doing it again, but for one case: when the policy
    has come to ask for less, somebody has to say that it goes on now.
    """
    review = review_of(change=change, asking=user)
    if user.pk in review.givers:
        if not review.met:
            message = "You have approved this plan already; it waits for somebody else."
            raise Conflict("approved-already", message)
        return review, True
    refusal = review.group_refusal(user.pk)
    if refusal is not None:
        raise refusal
    return review.plus(user), False


def _wait_on(change: Change, user: User, review: Review) -> None:
    message = f"{user.username} approved the plan ({review.given} of {review.needed})."
    data = {"approvals": review.given, "approvals_needed": review.needed}
    event_append(
        change, "state", message, data={"state": change.state, "by": user.username, **data}
    )


def _require_not_frozen(change: Change) -> None:
    frozen = frozen_now(host=change.host)
    if frozen is not None:
        raise Conflict("frozen", frozen.sentence)


def job_create(change: Change, message: str, **data: Any) -> Job:
    """Have a locked change carried out: its job goes to the host after the commit."""
    expires_at = timezone.now() + timedelta(seconds=settings.JOB_EXPIRES_S)
    job = Job.objects.create(change=change, expires_at=expires_at)
    # Before the live views hear of it: the host should have the job first.
    transaction.on_commit(lambda: job_dispatch(job=job))
    state_enter(change, State.APPROVED, message, job=job.pk, **data)
    return job


def change_reject(*, user: User, change: Change, comment: str) -> Change:
    """Reject a plan, with a reason; the change ends.

    Raises Forbidden for who may not judge it, InvalidInput without a comment, Conflict
    when the change does not wait for approval.
    """
    may_approve(user=user, change=change)
    _check_comment(comment, required=True)
    with transaction.atomic():
        locked = judgeable(change)
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
