"""Where the review of a plan stands: what was given, what is missing, and from whom."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from netops.models import Approval, Change
from people.errors import Forbidden
from people.models import User
from policies.models import EnvironmentPolicy
from policies.selectors import approvers, policy_for

NAMES_SHOWN = 6


@frozen
class Review:
    """The approvals of one plan that count, under the policy that holds now.

    `givers` are the ids of the people who gave them, `members` those of the asked people who are in
    the policy's group; `void` are approvals of this plan whose giver may not approve any more.
    """

    policy: EnvironmentPolicy
    givers: frozenset[int]
    members: frozenset[int]
    void: tuple[Approval, ...] = ()

    @property
    def needed(self) -> int:
        """How many approvals the plan needs."""
        return self.policy.approvals_needed

    @property
    def given(self) -> int:
        """How many of them it has."""
        return len(self.givers)

    @property
    def missing_from_group(self) -> int:
        """How many have still to come from the policy's group."""
        return max(0, self.policy.approvals_from_group - len(self.givers & self.members))

    @property
    def missing(self) -> int:
        """How many are missing in all."""
        return max(0, self.needed - self.given, self.missing_from_group)

    @property
    def met(self) -> bool:
        """True when nothing is missing."""
        return not self.missing

    @property
    def sentence(self) -> str:
        """What is missing, in words."""
        if self.met:
            return _("It has the approvals that it needs; one of its approvers has it carried out.")
        group, inside = self.policy.approver_group, self.missing_from_group
        if group is None or not inside:
            text = ngettext(
                "It needs one more approval.", "It needs %(count)d more approvals.", self.missing
            )
        elif inside == self.missing:
            text = ngettext(
                "It needs one more approval from the group %(group)s.",
                "It needs %(count)d more approvals from the group %(group)s.",
                self.missing,
            )
        else:
            text = _(
                "It needs %(count)d more approvals, %(inside)d of them from the group %(group)s."
            )
        return text % {"count": self.missing, "inside": inside, "group": group and group.name}

    @property
    def last(self) -> bool:
        """True when the next approval has the plan carried out."""
        return self.missing <= 1

    def plus(self, user: User) -> Review:
        """Return the review with this person's approval."""
        return evolve(self, givers=self.givers | {user.pk})

    def group_refusal(self, user_id: int) -> Forbidden | None:
        """Return why an approval of this person (by id) would not help: what is missing must come
        from a group that they are not in."""
        group = self.policy.approver_group
        if group is None or self.met or user_id in self.members:
            return None
        if self.missing > self.missing_from_group:
            return None
        message = _(
            "What is missing is an approval from the group %(group)s; you are not in it."
        ) % {"group": group.name}
        return Forbidden("group", message)


def review_of(
    *,
    change: Change,
    approvals: Sequence[Approval] | None = None,
    policy: EnvironmentPolicy | None = None,
    asking: User | None = None,
) -> Review:
    """Return where the review of the change's plan stands; `asking` is who may be the next.

    An approval counts for the very plan it was given for, once a person, and as long as its giver
    may still approve in this environment and has not become the requester.
    """
    policy = policy or policy_for(environment=change.host.environment)
    if approvals is None:
        approvals = list(Approval.objects.filter(change=change).select_related("by"))
    given = [approval for approval in approvals if of_this_plan(approval, change)]
    asked = {approval.by_id for approval in given}
    able = set(approvers(policy=policy).filter(pk__in=asked).values_list("pk", flat=True))
    able.discard(change.requested_by_id)
    if asking is not None:
        asked = asked | {asking.pk}
    group = policy.approver_group
    inside = User.objects.filter(groups=group, pk__in=asked) if group and asked else None
    return Review(
        policy=policy,
        givers=frozenset(asked & able),
        members=frozenset(inside.values_list("pk", flat=True) if inside is not None else ()),
        void=tuple(approval for approval in given if approval.by_id not in able),
    )


def of_this_plan(approval: Approval, change: Change) -> bool:
    """True unless it was given for another plan; one made anew counts as another even when it came
    out the same."""
    if approval.decision != Approval.Decision.APPROVED:
        return False
    if approval.plan_digest != change.plan_digest:
        return False
    return change.planned_at is None or approval.at >= change.planned_at


@frozen
class Able:
    """Who can still approve: some of their names, and how many more there are."""

    names: tuple[str, ...]
    more: int = 0


def able_to_approve(*, change: Change, review: Review) -> Able:
    """Return who can give the next approval that is missing."""
    people = approvers(policy=review.policy)
    people = people.exclude(pk__in={change.requested_by_id, *review.givers})
    if review.missing and review.missing == review.missing_from_group:
        people = people.filter(groups=review.policy.approver_group)
    names = list(people.order_by("username").values_list("username", flat=True))
    return Able(tuple(names[:NAMES_SHOWN]), max(0, len(names) - NAMES_SHOWN))
