"""Policies, freezes, grants and a broken glass for seed.py."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from django.contrib.auth.models import Group

from netops.services import change_approve, change_break_glass
from people.models import User
from policies.services import (
    freeze_add,
    grant_add,
    group_create,
    member_add,
    policy_save,
    weekly_freeze_add,
)
from tests.pages import world
from tests.pages.host_example import observed

WHY = "The payment provider is cut off since 02:10 and nobody else is awake."


def seed_policies(online: Callable[..., None], host: Callable[..., object], reason: str) -> None:
    """Changes 14 (one of two approvals), 15 (the glass was broken), 16 (frozen)."""
    admin, alice, bob = (User.objects.get(username=name) for name in ("admin", "alice", "bob"))
    world.user("dana", "approver")
    world.user("erin", "approver")
    group: Group = group_create(user=admin, name="network team")
    for name in ("dana", "erin"):
        member_add(user=admin, group=group, name=name)
    policy = policy_save(
        user=admin,
        environment="payments",
        approvals_needed=2,
        approver_group=group.name,
        approvals_from_group=1,
        approval_expires_s=36 * 3600,
        approve_granted_only=True,
    )
    for name in ("bob", "admin"):
        grant_add(user=admin, policy=policy, action="approve", person=name)
    grant_add(user=admin, policy=policy, action="approve", group=group.name)
    grant_add(user=admin, policy=policy, action="request", person="alice")
    year = datetime.now(UTC).year
    start = datetime(year, 12, 23, 16, tzinfo=UTC)
    freeze_add(
        user=admin,
        starts_at=start,
        ends_at=start + timedelta(days=12),
        reason="End of the year",
        everywhere=True,
    )
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    freeze_add(
        user=admin,
        starts_at=now - timedelta(hours=4),
        ends_at=now + timedelta(hours=20),
        reason="The big sale",
        environment="shop",
    )
    weekly_freeze_add(
        user=admin,
        from_weekday=4,
        from_time=time(16),
        to_weekday=0,
        to_time=time(8),
        time_zone="Asia/Seoul",
        reason="Weekend",
        environment="lab",
    )
    for name, environment in (("pay-1", "payments"), ("pay-2", "payments"), ("shop-1", "shop")):
        online(name, observed(name=name), environment=environment)
    half = world.Story(host("pay-1"), alice, reason=reason).planned().change  # type: ignore[arg-type]
    change_approve(
        user=bob, change=half, plan_digest=half.plan_digest, comment="Fine with me. Network team?"
    )
    glass = world.Story(host("pay-2"), alice, reason=reason).planned()  # type: ignore[arg-type]
    change = glass.change
    change_break_glass(user=admin, change=change, plan_digest=change.plan_digest, reason=WHY)
    world.Story(host("shop-1"), alice, reason=reason).planned()  # type: ignore[arg-type]
