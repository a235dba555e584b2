"""How many approvals a plan needs, from whom, and which of them count. No broker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connections
from django.utils import timezone

from audit.models import Entry
from netops.models import Approval, Change, Job
from netops.services import change_approve, change_replan, change_request, sweeps
from netops.services.plans import plan_store
from netops.states import State
from netops.wire import PlanReport
from people.errors import Conflict, Forbidden
from people.models import User
from policies.models import EnvironmentPolicy
from policies.selectors import policy_get
from policies.services import grant_add, policy_remove, policy_save
from tests.site.api_client import Api
from tests.site.rows import SPEC, change_row, history, host_row, plan_of

pytestmark = pytest.mark.django_db
People = dict[str, User]


@pytest.fixture
def waiting(people: People) -> Change:
    """alice's change on a production host, which waits for approval."""
    host = host_row("web-1", environment="production")
    return change_row(host, people["alice"], State.AWAITING_APPROVAL)


def approve(change: Change, user: User) -> Change:
    return change_approve(user=user, change=change, plan_digest=change.plan_digest)


def rule(people: People, environment: str = "production", **fields: object) -> EnvironmentPolicy:
    admin = people["admin"]
    return policy_save(user=admin, environment=environment, **fields)  # type: ignore[arg-type]


def team(name: str, *members: User) -> Group:
    group = Group.objects.create(name=name)
    group.user_set.set(members)  # type: ignore[attr-defined]
    return group


def still_waits(change: Change, approvals: int) -> None:
    change.refresh_from_db()
    assert change.state == State.AWAITING_APPROVAL
    assert Approval.objects.filter(change=change).count() == approvals
    assert not Job.objects.exists()


def test_it_waits_for_the_second_approval(
    api: Callable[[str], Api], people: People, waiting: Change
) -> None:
    rule(people, approvals_needed=2)
    body = {"plan_digest": waiting.plan_digest, "comment": "first"}
    first = api("bob").post(f"/changes/{waiting.pk}/approve", body)
    assert (first.status, first.json["state"]) == (200, "awaiting_approval")
    assert [a["by"] for a in first.json["approvals"]] == ["bob"]
    assert first.json["job"] is None
    still_waits(waiting, 1)
    assert history(waiting)[-1] == (2, "state", "awaiting_approval")
    event = waiting.events.get(seq=2)
    assert event.message == "bob approved the plan (1 of 2)."
    assert (event.data["approvals"], event.data["approvals_needed"]) == (1, 2)
    second = api("erin").post(f"/changes/{waiting.pk}/approve", body)
    assert (second.status, second.json["state"]) == (200, "approved")
    assert [a["by"] for a in second.json["approvals"]] == ["bob", "erin"]
    assert Job.objects.get().change == waiting
    assert history(waiting)[-1] == (3, "state", "approved")


def test_it_takes_one_approval_from_a_person(
    api: Callable[[str], Api], people: People, waiting: Change
) -> None:
    rule(people, approvals_needed=2)
    body = {"plan_digest": waiting.plan_digest}
    assert api("bob").post(f"/changes/{waiting.pk}/approve", body).status == 200
    again = api("bob").post(f"/changes/{waiting.pk}/approve", body)
    assert (again.status, again.problems) == (409, [("", "approved-already")])
    still_waits(waiting, 1)
    assert history(waiting)[-1][0] == 2


@pytest.mark.parametrize("needed", [1, 2, 5])
def test_it_never_counts_the_requester_whatever_the_policy(
    needed: int, people: People, waiting: Change
) -> None:
    people["alice"].role = "admin"
    people["alice"].save()
    team("dba", people["alice"])
    policy = rule(people, approvals_needed=needed, approver_group="dba", approve_granted_only=True)
    grant_add(user=people["admin"], policy=policy, action="approve", group="dba")
    with pytest.raises(Forbidden) as refused:
        approve(waiting, people["alice"])
    assert refused.value.code == "own-change"
    still_waits(waiting, 0)


def test_it_wants_so_many_from_the_group(people: People, waiting: Change) -> None:
    team("dba", people["erin"])
    rule(people, approvals_needed=2, approver_group="dba", approvals_from_group=1)
    approve(waiting, people["bob"])
    with pytest.raises(Forbidden) as refused:
        approve(waiting, people["admin"])
    assert refused.value.code == "group"
    assert "dba" in refused.value.message
    still_waits(waiting, 1)
    assert approve(waiting, people["erin"]).state == State.APPROVED


def test_it_wants_all_from_the_group_when_none_is_said(people: People, waiting: Change) -> None:
    team("dba", people["erin"])
    assert rule(people, approvals_needed=2, approver_group="dba").approvals_from_group == 2
    with pytest.raises(Forbidden):
        approve(waiting, people["bob"])
    approve(waiting, people["erin"])
    with pytest.raises(Forbidden):
        approve(waiting, people["bob"])
    still_waits(waiting, 1)


@pytest.mark.parametrize("loss", ["role", "active", "grant", "group"])
def test_it_counts_no_approval_of_who_may_not_approve_any_more(
    loss: str, people: People, waiting: Change
) -> None:
    group = team("dba", people["bob"], people["erin"])
    policy = rule(people, approvals_needed=2, approver_group="dba", approve_granted_only=True)
    for name in ("bob", "erin", "admin"):
        grant_add(user=people["admin"], policy=policy, action="approve", person=name)
    approve(waiting, people["bob"])
    if loss == "role":
        User.objects.filter(username="bob").update(role="operator")
    elif loss == "active":
        User.objects.filter(username="bob").update(is_active=False)
    elif loss == "grant":
        policy.grants.get(user=people["bob"]).delete()
    else:
        people["bob"].groups.remove(group)
    approve(waiting, people["erin"])
    still_waits(waiting, 2)
    people["admin"].groups.add(group)
    assert approve(waiting, people["admin"]).state == State.APPROVED


def test_it_asks_for_the_role_anew_under_the_lock(people: People, waiting: Change) -> None:
    stale = User.objects.get(username="bob")
    User.objects.filter(username="bob").update(role="viewer")
    with pytest.raises(Forbidden) as refused:
        approve(waiting, stale)
    assert refused.value.code == "role"
    still_waits(waiting, 0)


def test_it_counts_no_approval_of_a_former_plan_even_if_it_came_out_the_same(
    people: People, waiting: Change
) -> None:
    rule(people, approvals_needed=2)
    approve(waiting, people["bob"])
    change_replan(user=people["dan"], change=waiting)
    assert plan_store(host=waiting.host, report=PlanReport(waiting.pk, 2, plan_of()))
    waiting.refresh_from_db()
    approve(waiting, people["erin"])
    still_waits(waiting, 2)
    assert approve(waiting, people["bob"]).state == State.APPROVED


def test_it_follows_a_policy_that_comes_to_ask_for_more(people: People, waiting: Change) -> None:
    rule(people, approvals_needed=2)
    approve(waiting, people["bob"])
    rule(people, approvals_needed=3)
    approve(waiting, people["erin"])
    still_waits(waiting, 2)
    assert approve(waiting, people["admin"]).state == State.APPROVED


def test_it_goes_on_by_a_person_when_the_policy_comes_to_ask_for_less(
    people: People, waiting: Change
) -> None:
    policy = rule(people, approvals_needed=2)
    approve(waiting, people["bob"])
    policy_remove(user=people["admin"], pk=policy.pk)
    still_waits(waiting, 1)
    assert approve(waiting, people["bob"]).state == State.APPROVED
    assert Approval.objects.count() == 1
    assert Job.objects.count() == 1
    assert Entry.objects.get(action="change.sent-on").by == "bob"


def test_it_takes_the_environments_own_policy_before_the_default_one(
    people: People, waiting: Change
) -> None:
    rule(people, "", approvals_needed=3)
    rule(people, "Production", approvals_needed=4)
    own = rule(people, approvals_needed=1)
    other = change_row(host_row("x", environment="lab"), people["alice"], State.AWAITING_APPROVAL)
    approve(other, people["bob"])
    still_waits(other, 1)
    assert policy_get(pk=own.pk).approvals_needed == 1
    assert approve(waiting, people["bob"]).state == State.APPROVED


def test_it_needs_the_host_for_the_last_approval_alone(people: People, waiting: Change) -> None:
    rule(people, approvals_needed=2)
    waiting.host.last_seen_at = None
    waiting.host.save()
    approve(waiting, people["bob"])
    with pytest.raises(Conflict) as refused:
        approve(waiting, people["erin"])
    assert refused.value.code == "host-offline"
    still_waits(waiting, 1)


def test_it_rejects_with_one_voice(api: Callable[[str], Api], people: People) -> None:
    host = host_row("web-1", environment="production")
    change = change_row(host, people["alice"], State.AWAITING_APPROVAL)
    rule(people, approvals_needed=3)
    approve(change, people["bob"])
    answer = api("erin").post(f"/changes/{change.pk}/reject", {"comment": "No."})
    assert (answer.status, answer.json["state"]) == (200, "rejected")
    assert not Job.objects.exists()


def test_it_expires_plans_by_the_policy_of_their_environment(people: People) -> None:
    rule(people, "fast", approval_expires_s=60)
    rule(people, "slow", approval_expires_s=31_536_000)
    rule(people, "", approval_expires_s=7200)
    ages = {("fast", 61): True, ("fast", 50): False, ("slow", 864_000): False}
    ages |= {("lab", 7300): True, ("", 7300): True, ("lab", 7100): False}
    changes = {}
    for (environment, age), due in ages.items():
        host = host_row(environment=environment)
        change = change_row(host, people["alice"], State.AWAITING_APPROVAL)
        at = timezone.now() - timedelta(seconds=age)
        Change.objects.filter(pk=change.pk).update(updated_at=at)
        changes[change.pk] = due
    assert sweeps.changes_expire() == 3
    for pk, due in changes.items():
        wanted = State.EXPIRED if due else State.AWAITING_APPROVAL
        assert Change.objects.get(pk=pk).state == wanted


def test_it_keeps_waiting_when_an_approval_comes(people: People, waiting: Change) -> None:
    rule(people, approvals_needed=2, approval_expires_s=60)
    at = timezone.now() - timedelta(seconds=59)
    Change.objects.filter(pk=waiting.pk).update(updated_at=at)
    approve(waiting, people["bob"])
    assert Change.objects.get(pk=waiting.pk).updated_at == at


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("needed", [1, 2])
def test_it_dispatches_once_when_many_approve_at_the_same_moment(
    needed: int, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(
        "netops.services.jobs.dispatch.send", lambda *, task_id, **_: sent.append(task_id)
    )
    rule(people, approvals_needed=needed)
    host = host_row("web-1", environment="production")
    change = change_row(host, people["alice"], State.AWAITING_APPROVAL)
    start, refused = threading.Barrier(3), []

    def run(name: str) -> None:
        start.wait()
        try:
            approve(Change.objects.get(pk=change.pk), people[name])
        except Conflict as conflict:
            refused.append(conflict.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(name,)) for name in ("bob", "erin", "admin")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    change.refresh_from_db()
    assert change.state == State.APPROVED
    assert [job.pk for job in Job.objects.all()] == sent
    assert len(sent) == 1
    assert Approval.objects.count() == needed
    assert refused == ["state"] * (3 - needed)


def test_it_asks_as_before_where_nothing_is_set(people: People) -> None:
    host = host_row("web-1")
    change = change_request(user=people["alice"], host=host, kind="subnet", spec=SPEC, reason="VPN")
    assert change.state == State.PLANNING
    assert plan_store(host=host, report=PlanReport(change.pk, 1, plan_of()))
    change.refresh_from_db()
    assert approve(change, people["bob"]).state == State.APPROVED
