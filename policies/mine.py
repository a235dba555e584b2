"""What waits for one person: plans that they may approve, jobs that they may confirm.

The same rules as on the page of a change (policies/standing.py), for many changes at once: the
number of queries does not depend on how many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from netops.models import Approval, Change
from netops.selectors_now import with_now
from netops.states import State
from people.models import User
from people.roles import Role
from policies.freeze import Frozen, frozen_at
from policies.models import Action, EnvironmentPolicy, FreezeWindow, Grant, WeeklyFreeze
from policies.review import Able, Review, of_this_plan
from policies.standing import Standing, Waiting

MOST = 200
"""More than so many are not looked through: nobody reads a longer list of what is to be done."""


@frozen
class _Rules:
    """Every policy, and which people and groups (by id) have a grant for one action of it."""

    action: Action
    policies: dict[str, EnvironmentPolicy]
    users: frozenset[tuple[int, int | None]]
    groups: frozenset[tuple[int, int | None]]

    def of(self, environment: str) -> EnvironmentPolicy:
        return self.policies.get(environment) or self.policies.get("") or EnvironmentPolicy()

    def granted(self, policy: EnvironmentPolicy, user_id: int, groups: Iterable[int]) -> bool:
        if not policy.granted_only(self.action):
            return True
        if (policy.pk, user_id) in self.users:
            return True
        return any((policy.pk, group) in self.groups for group in groups)

    def where(self, user_id: int, groups: Iterable[int]) -> Q:
        """What is true of changes on hosts for which this person has what is asked for."""
        groups = list(groups)
        named = {name: self.granted(p, user_id, groups) for name, p in self.policies.items()}
        allowed = named.pop("", True)
        if allowed:
            return ~Q(host__environment__in=[name for name, may in named.items() if not may])
        return Q(host__environment__in=[name for name, may in named.items() if may])


def _rules(action: Action) -> _Rules:
    rows = EnvironmentPolicy.objects.select_related("approver_group")
    grants = Grant.objects.filter(action=action).values_list("policy_id", "user_id", "group_id")
    found = list(grants)
    return _Rules(
        action,
        {row.environment: row for row in rows},
        frozenset((policy, user) for policy, user, _ in found if user is not None),
        frozenset((policy, group) for policy, _, group in found if group is not None),
    )


def _groups_of(user: User) -> list[int]:
    return list(user.groups.values_list("pk", flat=True))


def _listed(changes: QuerySet[Change]) -> QuerySet[Change]:
    listed = changes.select_related("host", "requested_by").defer("plan", "host__observed")
    return with_now(listed)


def to_approve(*, user: User, most: int = MOST) -> list[Change]:
    """Return the changes whose plan this person could approve now, the longest waiting first."""
    if not user.can_approve():
        return []
    rules, groups = _rules(Action.APPROVE), _groups_of(user)
    waiting = Change.objects.filter(rules.where(user.pk, groups), state=State.AWAITING_APPROVAL)
    # Who has approved the plan that is shown mostly waits for somebody else; last here, so that
    # many such changes do not hide the others.
    done = Approval.objects.filter(by=user, decision=Approval.Decision.APPROVED)
    done = done.filter(change__state=State.AWAITING_APPROVAL, plan_digest=F("change__plan_digest"))
    done = done.filter(at__gte=F("change__planned_at"), change=OuterRef("pk"))
    waiting = waiting.exclude(requested_by=user)
    changes = list(_listed(waiting).order_by(Exists(done), "updated_at")[:most])
    changes.sort(key=lambda change: change.updated_at)
    if not changes:
        return []
    reviews, freezes = _reviews(changes, rules, user, groups), _Freezes()
    return [
        change
        for change in changes
        if not _standing(user, reviews[change.pk], freezes.of(change)).approve_why_not
    ]


def _standing(user: User, review: Review, frozen: Frozen | None) -> Standing:
    return Standing(None, None, None, Waiting(review, Able(()), frozen), user.pk)


def _reviews(
    changes: Sequence[Change], rules: _Rules, user: User, groups: list[int]
) -> dict[int, Review]:
    """Return where the review of each stands, as `review_of` does it for one."""
    given: dict[int, list[Approval]] = {change.pk: [] for change in changes}
    by_pk = {change.pk: change for change in changes}
    for approval in Approval.objects.filter(change__in=changes):
        if of_this_plan(approval, by_pk[approval.change_id]):
            given[approval.change_id].append(approval)
    asked = {approval.by_id for approvals in given.values() for approval in approvals}
    able: dict[int, set[int]] = {}
    people = User.objects.filter(pk__in=asked, is_active=True)
    people = people.filter(role__in=[Role.APPROVER, Role.ADMIN])
    for pk, group in people.values_list("pk", "groups"):
        able.setdefault(pk, set()).update([] if group is None else [group])
    members = {**able, user.pk: set(groups)}
    found = {}
    for change in changes:
        policy = rules.of(change.host.environment)
        names = {approval.by_id for approval in given[change.pk]} - {change.requested_by_id}
        givers = {pk for pk in names if pk in able and rules.granted(policy, pk, able[pk])}
        inside = {pk for pk, own in members.items() if policy.approver_group_id in own}
        found[change.pk] = Review(policy, frozenset(givers), frozenset(inside))
    return found


class _Freezes:
    """All freezes, read once."""

    def __init__(self) -> None:
        self._now = timezone.now()
        self._windows = list(FreezeWindow.objects.filter(ends_at__gt=self._now))
        self._weekly = list(WeeklyFreeze.objects.all())
        self._known: dict[str, Frozen | None] = {}

    def of(self, change: Change) -> Frozen | None:
        """Return the freeze that holds for a change's host, None if none does."""
        name = change.host.environment
        if name not in self._known:
            windows = [w for w in self._windows if w.everywhere or w.environment == name]
            weekly = [w for w in self._weekly if w.everywhere or w.environment == name]
            self._known[name] = frozen_at(self._now, windows, weekly)
        return self._known[name]


def to_confirm(*, user: User, most: int = MOST) -> list[Change]:
    """Return the changes that wait for a person to say that they shall stay, and for which this
    person may say it; each with `confirm_until`."""
    if not user.can_request():
        return []
    waiting = Change.objects.filter(
        state=State.RUNNING,
        confirm=Change.Confirm.PERSON,
        jobs__finished_at=None,
        jobs__confirmed_at=None,
        jobs__cancel_asked_at=None,
        jobs__confirm_nonce__gt="",
    )
    if not user.is_site_admin:
        allowed = _rules(Action.CANCEL).where(user.pk, _groups_of(user))
        waiting = waiting.filter(allowed | Q(requested_by=user))
    waiting = waiting.annotate(confirm_until=F("jobs__confirm_until"))
    return list(_listed(waiting).order_by(F("confirm_until"))[:most])
