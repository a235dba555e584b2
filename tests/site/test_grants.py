"""Who may ask for, approve and stop changes of which hosts. No broker."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group

from audit.models import Entry
from hosts.models import Host
from netops.models import Approval, Change, Job
from netops.states import State
from people.errors import Conflict, Forbidden, InvalidInput
from people.models import User
from policies.models import EnvironmentPolicy, Grant
from policies.services import (
    grant_add,
    grant_remove,
    group_create,
    group_remove,
    member_add,
    member_remove,
    policy_remove,
    policy_save,
)
from tests.site.api_client import Answer, Api
from tests.site.line import Line
from tests.site.rows import SPEC, change_row, history, host_row, job_row

pytestmark = pytest.mark.django_db
People = dict[str, User]
BODY = {"host": "web-1", "kind": "subnet", "spec": SPEC, "reason": "The VPN uses it."}


@pytest.fixture
def web(people: People) -> Host:
    return host_row("web-1", environment="production")


def closed(people: People, *actions: str) -> EnvironmentPolicy:
    """production's policy, with these actions by grant only."""
    flags = {f"{action}_granted_only": True for action in actions}
    return policy_save(user=people["admin"], environment="production", **flags)  # type: ignore[arg-type]


def refused(answer: Answer) -> bool:
    return (answer.status, answer.problems) == (403, [("", "no-grant")])


@pytest.mark.parametrize("to", ["person", "group"])
def test_it_lets_only_granted_people_ask(
    to: str, api: Callable[[str], Api], people: People, web: Host
) -> None:
    policy = closed(people, "request")
    group = group_create(user=people["admin"], name="net")
    member_add(user=people["admin"], group=group, name="alice")
    name = "alice" if to == "person" else "net"
    for who in ("alice", "dan", "admin"):
        answer = api(who).post("/changes", BODY)
        assert refused(answer)
        assert "production" in answer.json["errors"][0]["message"]
    assert not Change.objects.exists()
    grant_add(user=people["admin"], policy=policy, action="request", **{to: name})
    assert refused(api("dan").post("/changes", BODY))
    assert api("alice").post("/changes", BODY).status == 201
    other = {**BODY, "host": host_row("lab-1", environment="lab").name}
    assert api("dan").post("/changes", other).status == 201


@pytest.mark.parametrize(
    ("verb", "state"), [("replan", State.BLOCKED), ("revert", State.SUCCEEDED)]
)
def test_it_asks_for_the_same_grant_to_plan_anew_and_to_undo(
    verb: str, state: State, api: Callable[[str], Api], people: People, web: Host
) -> None:
    change = change_row(web, people["alice"], state)
    closed(people, "request")
    assert refused(api("alice").post(f"/changes/{change.pk}/{verb}"))
    assert Change.objects.get().state == state
    assert history(change) == [(1, "state", "planning")]


def test_it_lets_who_asked_take_it_back_without_a_grant(
    api: Callable[[str], Api], people: People, web: Host
) -> None:
    change = change_row(web, people["alice"], State.AWAITING_APPROVAL)
    closed(people, "request", "approve", "cancel")
    assert api("alice").post(f"/changes/{change.pk}/withdraw").status == 200


def test_it_lets_only_granted_people_judge(
    api: Callable[[str], Api], people: People, web: Host
) -> None:
    change = change_row(web, people["alice"], State.AWAITING_APPROVAL)
    policy = closed(people, "approve")
    body = {"plan_digest": change.plan_digest}
    for who in ("bob", "erin", "admin"):
        assert refused(api(who).post(f"/changes/{change.pk}/approve", body))
        assert refused(api(who).post(f"/changes/{change.pk}/reject", {"comment": "no"}))
    assert not Approval.objects.exists()
    assert not Job.objects.exists()
    grant_add(user=people["admin"], policy=policy, action="approve", person="erin")
    assert api("erin").post(f"/changes/{change.pk}/approve", body).status == 200


@pytest.mark.parametrize("action", ["request", "approve"])
def test_it_gives_nobody_more_than_the_role(
    action: str, api: Callable[[str], Api], people: People, web: Host
) -> None:
    change = change_row(web, people["dan"], State.AWAITING_APPROVAL)
    policy = closed(people, "request", "approve")
    for name in ("carol", "alice"):
        grant_add(user=people["admin"], policy=policy, action=action, person=name)
    assert api("carol").post("/changes", BODY).problems == [("", "role")]
    body = {"plan_digest": change.plan_digest}
    assert api("alice").post(f"/changes/{change.pk}/approve", body).problems == [("", "role")]
    assert Change.objects.count() == 1
    assert not Approval.objects.exists()


def test_it_lets_granted_people_stop_a_job_and_always_who_asked_and_admins(
    api: Callable[[str], Api], people: People, web: Host, line: Line
) -> None:
    policy = closed(people, "cancel")
    grant_add(user=people["admin"], policy=policy, action="cancel", person="erin")
    change = change_row(web, people["alice"], State.RUNNING)
    job = job_row(change)
    assert refused(api("bob").post(f"/changes/{change.pk}/cancel"))
    assert refused(api("bob").post(f"/changes/{change.pk}/confirm"))
    job.refresh_from_db()
    assert job.cancel_asked_at is None
    assert line.sent == []
    for name in ("erin", "alice", "admin"):
        assert api(name).post(f"/changes/{change.pk}/cancel").status == 200


def test_it_takes_a_grant_back(api: Callable[[str], Api], people: People, web: Host) -> None:
    policy, admin = closed(people, "request"), people["admin"]
    grant = grant_add(user=admin, policy=policy, action="request", person="alice")
    other = policy_save(user=admin, environment="lab")
    assert not grant_remove(user=admin, policy=other, pk=grant.pk)
    assert grant_remove(user=admin, policy=policy, pk=grant.pk)
    assert refused(api("alice").post("/changes", BODY))
    texts = [entry.message for entry in Entry.objects.filter(action__startswith="grant.")]
    assert len(texts) == 2
    assert all("alice" in text and "policy of production" in text for text in texts)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"action": "destroy", "person": "alice"}, InvalidInput),
        ({"action": "request"}, InvalidInput),
        ({"action": "request", "person": "alice", "group": "net"}, InvalidInput),
        ({"action": "request", "person": "nobody"}, InvalidInput),
        ({"action": "request", "person": "al\x00ice"}, InvalidInput),
        ({"action": "request", "group": "none"}, InvalidInput),
        ({"action": "request", "person": "dan"}, Conflict),
    ],
)
def test_it_refuses_a_bad_grant(
    fields: dict[str, str], kind: type[Exception], people: People
) -> None:
    policy, admin = closed(people, "request"), people["admin"]
    group_create(user=admin, name="net")
    grant_add(user=admin, policy=policy, action="request", person="dan")
    before = Entry.objects.count()
    with pytest.raises(kind):
        grant_add(user=admin, policy=policy, **fields)
    assert Grant.objects.count() == 1
    assert Entry.objects.count() == before


def test_it_keeps_a_group_that_is_used(people: People) -> None:
    admin = people["admin"]
    group = group_create(user=admin, name="dba")
    policy = policy_save(user=admin, environment="production", approver_group="dba")
    before = Entry.objects.count()
    with pytest.raises(Conflict) as refused:
        group_remove(user=admin, group=group)
    assert "policy of production" in refused.value.message
    assert Entry.objects.count() == before
    assert policy_remove(user=admin, pk=policy.pk)
    group_remove(user=admin, group=Group.objects.get())
    assert not Group.objects.exists()


def test_it_lets_admins_alone_edit(people: People) -> None:
    bob, admin = people["bob"], people["admin"]
    policy, group = closed(people, "request"), group_create(user=admin, name="net")
    grant = grant_add(user=admin, policy=policy, action="request", person="dan")
    before = Entry.objects.count()
    tries: list[Callable[[], object]] = [
        lambda: policy_save(user=bob, environment="production"),
        lambda: policy_remove(user=bob, pk=policy.pk),
        lambda: grant_add(user=bob, policy=policy, action="request", person="bob"),
        lambda: grant_remove(user=bob, policy=policy, pk=grant.pk),
        lambda: group_create(user=bob, name="mine"),
        lambda: group_remove(user=bob, group=group),
        lambda: member_add(user=bob, group=group, name="bob"),
        lambda: member_remove(user=bob, group=group, pk=admin.pk),
    ]
    for attempt in tries:
        with pytest.raises(Forbidden):
            attempt()
    assert EnvironmentPolicy.objects.get().request_granted_only
    assert Grant.objects.get() == grant
    assert Group.objects.get() == group
    assert Entry.objects.count() == before


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"approvals_needed": 0}, "approvals_needed"),
        ({"approvals_needed": 6}, "approvals_needed"),
        ({"approver_group": "none"}, "approver_group"),
        ({"approvals_from_group": 1}, "approver_group"),
        ({"approver_group": "dba", "approvals_from_group": 2}, "approvals_from_group"),
        ({"approver_group": "dba", "approvals_from_group": 0}, "approvals_from_group"),
        ({"approval_expires_s": 59}, "approval_expires_s"),
        ({"approval_expires_s": 31_536_001}, "approval_expires_s"),
        ({"environment": "x" * 64}, "environment"),
        ({"environment": "x\x00"}, "environment"),
    ],
)
def test_it_refuses_a_bad_policy_over_the_api(
    fields: dict[str, object], field: str, api: Callable[[str], Api], people: People
) -> None:
    Group.objects.create(name="dba")
    answer = api("admin").send("PUT", "/policies", _json({"environment": "lab", **fields}))
    assert (answer.status, [f for f, _ in answer.problems]) == (422, [field])
    assert not EnvironmentPolicy.objects.exists()
    assert not Entry.objects.filter(action__startswith="policy.").exists()


def _json(body: dict[str, object]) -> str:
    import json

    return json.dumps(body)


def test_it_sets_and_shows_policies_over_the_api(api: Callable[[str], Api], people: People) -> None:
    Group.objects.create(name="dba")
    body = {"environment": "lab", "approvals_needed": 3, "approver_group": "dba"}
    answer = api("admin").send("PUT", "/policies", _json(body))
    assert answer.status == 200
    policy = EnvironmentPolicy.objects.get()
    grant_add(user=people["admin"], policy=policy, action="approve", group="dba")
    body = {"environment": "lab", "approver_group": "dba", "approve_granted_only": True}
    assert api("admin").send("PUT", "/policies", _json(body)).status == 200
    [shown] = api("carol").get("/policies").json["items"]
    assert shown == {
        "environment": "lab",
        "approvals_needed": 1,
        "approver_group": "dba",
        "approvals_from_group": 1,
        "approval_expires_s": 604_800,
        "request_granted_only": False,
        "approve_granted_only": True,
        "cancel_granted_only": False,
        "grants": [{"action": "approve", "user": None, "group": "dba"}],
    }
    entry = Entry.objects.filter(action="policy.saved").first()
    assert entry is not None
    assert (entry.by, entry.target, entry.via) == ("admin", "policy:lab", "api")
    assert entry.data["approver_group"] == "dba"
