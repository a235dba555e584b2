"""Plans as hosts report them."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from hosts.models import Host
from netops.models import Change, Event
from netops.services.plans import plan_store
from netops.states import HOLDING, State
from netops.wire import PlanReport
from people.models import User
from tests.site.rows import SPEC, change_row, history, host_row, plan_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def planning(people: dict[str, User]) -> Change:
    return change_row(host_row("web-1"), people["alice"])


def report(change: Change, **fields: Any) -> PlanReport:
    return PlanReport(**{"change_id": change.pk, "round": 1, "plan": plan_of(), **fields})


def test_it_waits_for_approval_with_the_plan(planning: Change) -> None:
    plan = plan_of({**SPEC, "gateway": "192.168.225.1", "accept": []})
    assert plan_store(host=planning.host, report=report(planning, plan=plan))
    planning.refresh_from_db()
    assert planning.state == State.AWAITING_APPROVAL
    assert planning.current_plan == plan
    assert planning.plan_digest == plan.digest
    assert history(planning)[1:] == [(2, "state", "awaiting_approval")]


def test_it_is_blocked_by_a_blocker(planning: Change) -> None:
    plan = plan_of(blocker="overlaps-route")
    plan_store(host=planning.host, report=report(planning, plan=plan))
    planning.refresh_from_db()
    assert planning.state == State.BLOCKED
    assert planning.current_plan == plan
    assert history(planning)[1:] == [(2, "state", "blocked"), (3, "end", "blocked")]
    # The codes are the API's, and stand in the plan; the sentence is for people.
    said = Event.objects.get(type="end").message
    assert said == "The plan is blocked; its findings say by what, and what to do."


@pytest.mark.parametrize("error", ["dockerd does not answer", "", "a\x00b\ud800"])
def test_it_is_blocked_when_there_is_no_plan(planning: Change, error: str) -> None:
    plan_store(host=planning.host, report=report(planning, plan=None, error=error))
    planning.refresh_from_db()
    assert planning.state == State.BLOCKED
    assert planning.plan is None
    assert planning.plan_error
    assert "\x00" not in planning.plan_error


@pytest.mark.parametrize(
    "plan",
    [
        attrs.evolve(plan_of(), digest="0" * 64),
        attrs.evolve(plan_of(), expected_outage_s=1.0, basis={"n": 2}),
        plan_of({**SPEC, "subnet": "10.0.0.0/8"}),
        plan_of({**SPEC, "subnet": "nonsense"}),
        attrs.evolve(plan_of(), kind="nat"),
    ],
)
def test_it_takes_no_plan_that_is_not_what_it_says(planning: Change, plan: Any) -> None:
    plan_store(host=planning.host, report=report(planning, plan=plan))
    planning.refresh_from_db()
    assert planning.state == State.BLOCKED
    assert planning.plan is None
    assert planning.plan_digest == ""
    assert planning.plan_error


def unchanged(change: Change, state: str) -> None:
    change.refresh_from_db()
    assert (change.state, change.plan_error) == (state, "")
    assert len(history(change)) == 1


@pytest.mark.parametrize("plan_round", [0, 2])
def test_it_drops_the_plan_of_another_round(planning: Change, plan_round: int) -> None:
    assert not plan_store(host=planning.host, report=report(planning, round=plan_round))
    unchanged(planning, State.PLANNING)


def test_it_drops_the_plan_of_another_host(planning: Change) -> None:
    assert not plan_store(host=host_row("thief"), report=report(planning))
    unchanged(planning, State.PLANNING)


@pytest.mark.parametrize("state", [s for s in State if s != State.PLANNING])
def test_it_drops_a_plan_that_nobody_waits_for(people: dict[str, User], state: State) -> None:
    change = change_row(host_row(), people["alice"], state)
    assert not plan_store(host=change.host, report=report(change, plan=plan_of(basis=7)))
    unchanged(change, state)


def test_it_drops_the_plan_of_no_change(db: None) -> None:
    assert not plan_store(host=host_row(), report=PlanReport(12345, 1, plan_of()))


@pytest.mark.parametrize("holding", HOLDING)
def test_it_blocks_the_plan_that_comes_second(
    planning: Change, people: dict[str, User], holding: State
) -> None:
    first = change_row(planning.host, people["dan"], holding)
    plan_store(host=planning.host, report=report(planning))
    planning.refresh_from_db()
    first.refresh_from_db()
    assert (planning.state, first.state) == (State.BLOCKED, holding)
    assert f"Change {first.pk}" in planning.plan_error


def test_the_database_itself_lets_one_change_hold_a_host(people: dict[str, User]) -> None:
    from django.db import IntegrityError, transaction

    host: Host = host_row()
    change_row(host, people["alice"], State.RUNNING)
    with pytest.raises(IntegrityError), transaction.atomic():
        change_row(host, people["alice"], State.APPROVED)
    assert Change.objects.count() == 1
