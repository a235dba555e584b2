"""A change with a conversation and a second plan, for seed.py."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from hosts.models import Host
from netops.engine.desired import parse_spec
from netops.engine.planner import make_plan
from netops.models import Comment
from netops.services import change_replan
from netops.services.plans import plan_store
from netops.wire import PlanReport
from people.models import User
from tests.pages import world
from tests.pages.host_example import observed

SAID = (
    ("carol", 14, "The backup of orders-db runs until half past. Can this wait for it?"),
    ("alice", 12, "Yes. I ask for a new plan when it is done."),
)


def seed_review(online: Callable[..., None], host: Callable[[str], Host], reason: str) -> None:
    """The newest change: three earlier ones on its host, comments, and a plan made anew."""
    alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
    online("shop-7", observed(name="shop-7", containers=4))
    for days in (30, 20, 10):
        world.story_succeeded(host("shop-7"), alice, bob, ago=timedelta(days=days))
    story = world.Story(host("shop-7"), alice, ago=timedelta(minutes=16), reason=reason)
    change = story.planned().change
    change.approvals.create(by=bob, decision="approved", plan_digest=change.plan_digest)
    change.approvals.update(at=timezone.now() - timedelta(minutes=13))
    for name, minutes, text in SAID:
        by = User.objects.get(username=name)
        made = Comment.objects.create(change=change, by=by, text=text)
        at = timezone.now() - timedelta(minutes=minutes)
        Comment.objects.filter(pk=made.pk).update(at=at)
    change_replan(user=alice, change=change)
    change.refresh_from_db()
    now = observed(name="shop-7", containers=5)
    plan = make_plan(now, parse_spec(change.kind, change.spec), ())
    assert plan_store(host=change.host, report=PlanReport(change.pk, change.plan_round, plan))
