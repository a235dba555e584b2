"""Reads of policies, freezes and groups."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import Group
from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils import timezone

from hosts.models import Host
from people.errors import NotFound
from people.models import User
from people.roles import Role
from policies.freeze import Frozen, frozen_at
from policies.models import Action, EnvironmentPolicy, FreezeWindow, Grant, WeeklyFreeze


def policy_for(*, environment: str) -> EnvironmentPolicy:
    """Return the policy that holds for hosts of an environment: its own, the default one, or, where
    neither is stored, what holds without any (an unsaved row: one approval, by role)."""
    rows = EnvironmentPolicy.objects.filter(environment__in={environment, ""})
    found = {row.environment: row for row in rows.select_related("approver_group")}
    return found.get(environment) or found.get("") or EnvironmentPolicy()


def policy_list() -> QuerySet[EnvironmentPolicy]:
    """Return all stored policies, the default one first, with their groups and grants."""
    grants = Prefetch("grants", Grant.objects.select_related("user", "group"))
    return EnvironmentPolicy.objects.select_related("approver_group").prefetch_related(grants)


def policy_get(*, pk: int) -> EnvironmentPolicy:
    """Return a policy with its group and grants; raises NotFound."""
    found = policy_list().filter(pk=pk).first()
    if found is None:
        raise NotFound("not-found", f"There is no policy {pk}.")
    return found


def approvers(*, policy: EnvironmentPolicy) -> QuerySet[User]:
    """Return the people who may approve under a policy: active, with the role, granted if asked."""
    people = User.objects.filter(is_active=True, role__in=[Role.APPROVER, Role.ADMIN])
    if policy.granted_only(Action.APPROVE):
        grants = Grant.objects.filter(policy=policy, action=Action.APPROVE)
        by_group = Q(groups__in=grants.filter(group__isnull=False).values("group"))
        people = people.filter(Q(pk__in=grants.filter(group=None).values("user")) | by_group)
    return people.distinct()


def is_granted(*, user: User, policy: EnvironmentPolicy, action: str) -> bool:
    """True when a policy asks for no grant for an action, or this person or a group of theirs has
    one."""
    if not policy.granted_only(action):
        return True
    grants = Grant.objects.filter(policy=policy, action=action)
    return grants.filter(Q(user=user) | Q(group__user=user)).exists()


def approval_time(policy: EnvironmentPolicy) -> timedelta:
    """Return how long a plan waits for its approvals."""
    seconds = policy.approval_expires_s
    return timedelta(seconds=settings.APPROVAL_EXPIRES_S if seconds is None else seconds)


def approvals_overdue() -> Q:
    """Return what is true of changes whose plan has waited for its approvals for longer than the
    policy of their host's environment allows."""
    now, own = timezone.now(), list(EnvironmentPolicy.objects.all())
    default = next((policy for policy in own if not policy.environment), EnvironmentPolicy())
    named = [policy for policy in own if policy.environment]
    rest = ~Q(host__environment__in=[policy.environment for policy in named])
    overdue = rest & Q(updated_at__lt=now - approval_time(default))
    for policy in named:
        mine = Q(host__environment=policy.environment)
        overdue |= mine & Q(updated_at__lt=now - approval_time(policy))
    return overdue


def frozen_now(*, host: Host, at: datetime | None = None) -> Frozen | None:
    """Return the freeze that holds for a host now (or at a moment), None if none does."""
    now = at or timezone.now()
    mine = Q(everywhere=True) | Q(environment=host.environment)
    windows = FreezeWindow.objects.filter(mine, ends_at__gt=now)
    return frozen_at(now, windows, WeeklyFreeze.objects.filter(mine))


def freeze_list() -> QuerySet[FreezeWindow]:
    """Return the windows that are not over, by their start."""
    return FreezeWindow.objects.filter(ends_at__gt=timezone.now())


def weekly_list() -> QuerySet[WeeklyFreeze]:
    """Return the weekly freezes."""
    return WeeklyFreeze.objects.all()


def group_list() -> QuerySet[Group]:
    """Return all groups by name, each with `size`, the number of its members."""
    return Group.objects.annotate(size=Count("user")).order_by("name")


def group_get(*, pk: int) -> Group:
    """Return a group; raises NotFound."""
    found = Group.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound("not-found", f"There is no group {pk}.")
    return found


def members(*, group: Group) -> QuerySet[User]:
    """Return the members of a group by name."""
    return User.objects.filter(groups=group).order_by("username")


def user_names(*, limit: int = 500) -> list[str]:
    """Return names of active people, for a field that completes them."""
    people = User.objects.filter(is_active=True).order_by("username")
    return list(people.values_list("username", flat=True)[:limit])
