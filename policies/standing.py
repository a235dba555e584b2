"""What the page of a change says of its policy: what its reader may do, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from django.utils.translation import gettext as _

from netops.models import Approval, Change
from netops.states import State
from people.errors import Forbidden
from people.models import User
from policies.access import approve_refusal, cancel_refusal, request_refusal
from policies.freeze import Frozen
from policies.review import Able, Review, able_to_approve, review_of
from policies.selectors import frozen_now, policy_for


@frozen
class Waiting:
    """A plan that waits for approval: where its review stands, who can go on with it, and the
    freeze that holds its host."""

    review: Review
    able: Able
    frozen: Frozen | None


@frozen
class Standing:
    """Why a reader may not ask for more, judge, or cancel (None: may), with what waits (None when
    nothing waits for approval)."""

    request: Forbidden | None
    judge: Forbidden | None
    cancel: Forbidden | None
    waiting: Waiting | None
    user_id: int

    @property
    def approve_why_not(self) -> str:
        """Why this reader cannot give the approval that is missing, "" if they can."""
        if self.waiting is None:
            return ""
        if self.judge is not None:
            return self.judge.message
        review = self.waiting.review
        if self.user_id in review.givers and not review.met:
            return _("You have approved this plan; it waits for somebody else.")
        if review.last and self.waiting.frozen is not None:
            return self.waiting.frozen.sentence
        outside = review.group_refusal(self.user_id)
        return outside.message if outside else ""


def standing_of(*, user: User, change: Change, approvals: Sequence[Approval]) -> Standing:
    """Return what a reader may do with a change, and what its review lacks.

    `approvals` are all judgements of the change, with who gave them.
    """
    policy = policy_for(environment=change.host.environment)
    waiting = None
    if change.state == State.AWAITING_APPROVAL:
        review = review_of(change=change, approvals=approvals, policy=policy, asking=user)
        able = able_to_approve(change=change, review=review)
        waiting = Waiting(review, able, frozen_now(host=change.host))
    return Standing(
        request=request_refusal(user=user, host=change.host, policy=policy),
        judge=approve_refusal(user=user, change=change, policy=policy),
        cancel=cancel_refusal(user=user, change=change, policy=policy),
        waiting=waiting,
        user_id=user.pk,
    )
