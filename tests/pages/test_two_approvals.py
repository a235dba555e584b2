"""Where two approvals are needed: what pages and exports say of those that were given."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from hosts.models import Host
from netops.export import change_row
from netops.models import Change
from netops.services import change_approve, change_replan
from netops.services.plans import plan_store
from netops.stages import stages_of
from netops.states import State
from netops.wire import PlanReport
from people.models import User
from policies.mine import to_approve
from policies.models import EnvironmentPolicy
from tests.pages import world

Browse = Callable[[str], Client]


@pytest.fixture
def half(web: Host, people: dict[str, User]) -> Change:
    """A change that bob has approved, and that needs two."""
    EnvironmentPolicy.objects.create(environment=web.environment, approvals_needed=2)
    change = world.Story(web, people["alice"]).planned().change
    change_approve(user=people["bob"], change=change, plan_digest=change.plan_digest)
    change.refresh_from_db()
    assert change.state == State.AWAITING_APPROVAL
    return change


def test_an_approval_of_an_earlier_plan_is_not_exported(
    half: Change, web: Host, people: dict[str, User]
) -> None:
    """The new plan came out the same, to the digest; bob was asked about the first alone."""
    plan = half.current_plan
    assert plan
    change_replan(user=people["alice"], change=half)
    half.refresh_from_db()
    assert plan_store(host=web, report=PlanReport(half.pk, half.plan_round, plan))
    half.refresh_from_db()
    assert half.plan_digest == plan.digest
    for name in ("dan", "erin"):
        by = people.get(name) or world.user(name, "approver")
        change_approve(user=by, change=half, plan_digest=half.plan_digest)
    half.refresh_from_db()
    assert change_row(half)["approved_by"] == ["dan", "erin"]


def test_what_expired_for_want_of_approvals_was_not_approved(half: Change) -> None:
    Change.objects.filter(pk=half.pk).update(state=State.EXPIRED)
    half.refresh_from_db()
    review = stages_of(half, list(half.approvals.all()), None)[2]
    assert (str(review.name), review.by) == ("Expired", "")


def test_work_shows_what_a_lower_policy_leaves_to_me(
    half: Change, people: dict[str, User], browse: Browse
) -> None:
    assert to_approve(user=people["bob"]) == []
    EnvironmentPolicy.objects.update(approvals_needed=1)
    assert 'id="approve"' in browse("bob").get(f"/changes/{half.pk}/").content.decode()
    assert to_approve(user=people["bob"]) == [half]
