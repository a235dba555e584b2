"""In an emergency an admin goes past the approvals; it is marked for ever. No broker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from audit.models import Entry
from netops.models import Approval, Change, Job
from netops.services import change_approve, change_break_glass, change_replan
from netops.services.moves import state_enter
from netops.services.plans import plan_store
from netops.states import State
from netops.wire import ApplyRequest, PlanReport
from people.errors import Forbidden
from people.models import User
from policies.services import freeze_add, policy_save
from tests.site.api_client import Api
from tests.site.line import Line
from tests.site.rows import change_row, history, host_row, plan_of

pytestmark = pytest.mark.django_db
People = dict[str, User]
WHY = "The payment provider is cut off."


@pytest.fixture
def waiting(people: People) -> Change:
    """alice's change, which waits for two approvals during a freeze."""
    host, now = host_row("web-1", environment="production"), timezone.now()
    policy_save(user=people["admin"], environment="production", approvals_needed=2)
    end = now + timedelta(days=1)
    freeze_add(user=people["admin"], starts_at=now, ends_at=end, reason="x", everywhere=True)
    return change_row(host, people["alice"], State.AWAITING_APPROVAL)


def untouched(change: Change) -> None:
    change.refresh_from_db()
    assert (change.state, change.break_glass_by) == (State.AWAITING_APPROVAL, "")
    assert history(change) == [(1, "state", "planning")]
    assert not Job.objects.exists()
    assert not Entry.objects.filter(action="change.break-glass").exists()


def test_it_carries_a_plan_out_without_approvals_and_says_so(
    api: Callable[[str], Api],
    people: People,
    waiting: Change,
    line: Line,
    django_capture_on_commit_callbacks: Any,
) -> None:
    body = {"plan_digest": waiting.plan_digest, "reason": f" {WHY} "}
    with django_capture_on_commit_callbacks(execute=True):
        answer = api("admin").post(f"/changes/{waiting.pk}/break-glass", body)
    assert (answer.status, answer.json["state"]) == (200, "approved")
    glass = answer.json["break_glass"]
    assert (glass["by"], glass["reason"]) == ("admin", WHY)
    assert glass["at"]
    assert answer.json["approvals"] == []
    [request] = line.sent
    assert isinstance(request, ApplyRequest)
    assert request.plan.digest == waiting.plan_digest
    event = waiting.events.order_by("seq").last()
    assert event is not None
    assert (event.type, event.data["break_glass"], event.data["by"]) == ("state", True, "admin")
    assert WHY in event.message
    entry = Entry.objects.get(action="change.break-glass")
    assert (entry.by, entry.via, entry.target) == ("admin", "api", f"change:{waiting.pk}")
    assert (WHY in entry.message, entry.data["own"]) == (True, False)
    [listed] = api("carol").get("/changes").json["items"]
    assert listed["break_glass"] == glass


def test_it_lets_an_admin_do_it_alone_for_an_own_change(people: People) -> None:
    change = change_row(host_row("web-2"), people["admin"], State.AWAITING_APPROVAL)
    digest = change.plan_digest
    with pytest.raises(Forbidden):
        change_approve(user=people["admin"], change=change, plan_digest=digest)
    done = change_break_glass(user=people["admin"], change=change, plan_digest=digest, reason=WHY)
    assert done.state == State.APPROVED
    assert Entry.objects.get(action="change.break-glass").data["own"] is True


@pytest.mark.parametrize("name", ["carol", "alice", "bob"])
def test_it_is_for_admins_alone(
    name: str, api: Callable[[str], Api], people: People, waiting: Change
) -> None:
    body = {"plan_digest": waiting.plan_digest, "reason": WHY}
    answer = api(name).post(f"/changes/{waiting.pk}/break-glass", body)
    assert (answer.status, answer.problems) == (403, [("", "role")])
    with pytest.raises(Forbidden):
        change_break_glass(user=people[name], change=waiting, **body)
    untouched(waiting)


def test_it_asks_for_the_role_anew_under_the_lock(people: People, waiting: Change) -> None:
    stale = User.objects.get(username="admin")
    User.objects.filter(username="admin").update(role="approver")
    digest = waiting.plan_digest
    with pytest.raises(Forbidden):
        change_break_glass(user=stale, change=waiting, plan_digest=digest, reason=WHY)
    untouched(waiting)


@pytest.mark.parametrize(
    ("fields", "status", "problem"),
    [
        ({"reason": " "}, 422, ("reason", "required")),
        ({"reason": "x" * 2001}, 422, ("reason", "invalid")),
        ({"reason": "x\x00"}, 422, ("reason", "invalid")),
        ({"plan_digest": "0" * 64}, 409, ("plan_digest", "plan-digest")),
    ],
)
def test_it_wants_a_reason_and_the_very_plan(
    fields: dict[str, str],
    status: int,
    problem: tuple[str, str],
    api: Callable[[str], Api],
    waiting: Change,
) -> None:
    body = {"plan_digest": waiting.plan_digest, "reason": WHY, **fields}
    answer = api("admin").post(f"/changes/{waiting.pk}/break-glass", body)
    assert (answer.status, answer.problems) == (status, [problem])
    untouched(waiting)


def test_it_needs_the_host(api: Callable[[str], Api], waiting: Change) -> None:
    waiting.host.last_seen_at = None
    waiting.host.save()
    body = {"plan_digest": waiting.plan_digest, "reason": WHY}
    answer = api("admin").post(f"/changes/{waiting.pk}/break-glass", body)
    assert (answer.status, answer.problems) == (409, [("host", "host-offline")])
    untouched(waiting)


@pytest.mark.parametrize("state", [s for s in State if s != State.AWAITING_APPROVAL])
def test_it_goes_past_approvals_and_past_nothing_else(
    state: State, api: Callable[[str], Api], people: People
) -> None:
    change = change_row(host_row("web-1"), people["alice"], state, plan=plan_of())
    body = {"plan_digest": change.plan_digest, "reason": WHY}
    answer = api("admin").post(f"/changes/{change.pk}/break-glass", body)
    assert (answer.status, answer.problems) == (409, [("", "state")])
    assert Change.objects.get().state == state
    assert not Job.objects.exists()


def test_it_stays_marked_when_a_later_plan_is_approved(
    api: Callable[[str], Api], people: People
) -> None:
    change = change_row(host_row("web-1"), people["alice"], State.AWAITING_APPROVAL)
    digest = change.plan_digest
    change = change_break_glass(user=people["admin"], change=change, plan_digest=digest, reason=WHY)
    state_enter(change, State.STALE, "It is another.")
    change_replan(user=people["alice"], change=change)
    assert plan_store(host=change.host, report=PlanReport(change.pk, 2, plan_of()))
    change.refresh_from_db()
    change_approve(user=people["bob"], change=change, plan_digest=change.plan_digest)
    shown = api("carol").get(f"/changes/{change.pk}").json
    assert (shown["state"], shown["break_glass"]["by"]) == ("approved", "admin")
    assert [a["by"] for a in shown["approvals"]] == ["bob"]
    assert Approval.objects.count() == 1


@pytest.mark.parametrize("size", [1, 25])
def test_it_asks_the_database_the_same_for_any_number_of_marks(
    size: int,
    api: Callable[[str], Api],
    people: People,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    carol = api("carol")
    for _ in range(size):
        change = change_row(host_row(), people["alice"], State.AWAITING_APPROVAL)
        digest = change.plan_digest
        change_break_glass(user=people["admin"], change=change, plan_digest=digest, reason=WHY)
    carol.get("/changes")
    with django_assert_num_queries(5):
        items = carol.get("/changes").json["items"]
    assert len(items) == size
    assert all(item["break_glass"]["at"] for item in items)
