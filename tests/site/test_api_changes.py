"""Changes over the API: asked for, judged, taken back. No broker: nothing leaves the site."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from audit.models import Entry
from hosts.models import Observation
from netops.engine.desired import parse_spec
from netops.engine.observed import Observed
from netops.engine.planner import make_plan
from netops.engine.serial import from_json, to_json
from netops.models import Approval, Change, Event, Job
from netops.services.plans import plan_store
from netops.states import HOLDING, State
from netops.wire import PlanReport
from people.models import User
from tests.site.api_client import Api
from tests.site.rows import SPEC, change_row, history, host_row, job_row, plan_of

pytestmark = pytest.mark.django_db

BODY = {"host": "web-1", "kind": "subnet", "spec": SPEC, "reason": "The VPN uses it."}


def nothing_new(before: int = 0) -> None:
    assert Change.objects.count() == before
    assert Event.objects.count() == before
    assert not Job.objects.exists()
    assert not Approval.objects.exists()


def test_it_takes_a_request(api: Callable[[str], Api]) -> None:
    host_row("web-1")
    answer = api("alice").post("/changes", BODY)
    assert answer.status == 201
    assert answer.json == {"id": Change.objects.get().pk, "state": "planning"}
    shown = api("carol").get(f"/changes/{answer.json['id']}").json
    assert {name: shown[name] for name in ("host", "kind", "spec", "reason")} == BODY
    assert (shown["state"], shown["requested_by"]) == ("planning", "alice")
    assert (shown["plan"], shown["job"], shown["approvals"]) == (None, None, [])
    assert history(Change.objects.get()) == [(1, "state", "planning")]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"host": None}, "host"),
        ({"host": "nobody"}, "host"),
        ({"kind": "route"}, "kind"),
        ({"kind": 1}, "kind"),
        ({"spec": None}, "spec"),
        ({"spec": []}, "spec"),
        ({"spec": {}}, "network"),
        ({"spec": {**SPEC, "subnet": "192.168.225.1/24"}}, "subnet"),
        ({"spec": {**SPEC, "subnet": "fd00::/64"}}, "subnet"),
        ({"spec": {**SPEC, "subnet": "127.0.0.0/8"}}, "subnet"),
        ({"spec": {**SPEC, "subnet": "224.0.0.0/24"}}, "subnet"),
        ({"spec": {**SPEC, "subnet": 5}}, "subnet"),
        ({"spec": {**SPEC, "subnet": "; rm -rf /"}}, "subnet"),
        ({"spec": {**SPEC, "gateway": "10.0.0.1"}}, "gateway"),
        ({"spec": {**SPEC, "gatway": "192.168.225.1"}}, "gatway"),
        ({"spec": {**SPEC, "accept": "all"}}, "accept"),
        ({"spec": {**SPEC, "network": "other"}}, "network"),
        ({"reason": None}, "reason"),
        ({"reason": "  "}, "reason"),
        ({"reason": "x" * 2001}, "reason"),
        ({"reason": "x\x00"}, "reason"),
        ({"because": "x"}, "because"),
    ],
)
def test_it_refuses_bad_input_and_names_the_field(
    changed: dict[str, Any], field: str, api: Callable[[str], Api]
) -> None:
    host_row("web-1")
    answer = api("alice").post("/changes", {**BODY, **changed})
    assert answer.status == 422
    assert field in [f for f, _ in answer.problems]
    nothing_new()


def test_it_names_every_fault_at_once(api: Callable[[str], Api]) -> None:
    host_row("web-1")
    spec = {"network": "x", "subnet": "y", "nonsense": 1}
    answer = api("alice").post("/changes", {**BODY, "spec": spec, "reason": ""})
    assert answer.status == 422
    assert {f for f, _ in answer.problems} == {"network", "subnet", "nonsense", "reason"}
    answer = api("alice").post("/changes", {**BODY, "host": "web-9", "spec": spec, "reason": ""})
    assert answer.status == 422
    assert answer.problems[0] == ("host", "unknown-host")
    faulty = {"host", "network", "subnet", "nonsense", "reason"}
    assert {f for f, _ in answer.problems} == faulty
    nothing_new()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"last_seen_at": timezone.now() - timedelta(minutes=2)}, "host-offline"),
        ({"enrolled_at": None}, "host-pending"),
        ({"revoked_at": timezone.now()}, "host-revoked"),
    ],
)
def test_it_asks_nothing_of_a_host_that_is_not_online(
    fields: dict[str, Any], code: str, api: Callable[[str], Api]
) -> None:
    host_row("web-1", **fields)
    answer = api("alice").post("/changes", BODY)
    assert (answer.status, answer.problems) == (409, [("host", code)])
    nothing_new()


@pytest.mark.parametrize("state", State)
def test_it_allows_one_open_change_a_host(
    state: State, api: Callable[[str], Api], people: dict[str, User]
) -> None:
    host = host_row("web-1")
    first = change_row(host, people["dan"], state)
    answer = api("alice").post("/changes", BODY)
    if state in HOLDING:
        assert (answer.status, answer.problems) == (409, [("host", "host-busy")])
        assert f"Change {first.pk}" in answer.json["errors"][0]["message"]
        nothing_new(1)
    else:
        assert answer.status == 201


@pytest.fixture
def waiting(people: dict[str, User]) -> Change:
    """alice's change, which waits for approval."""
    return change_row(host_row("web-1"), people["alice"], State.AWAITING_APPROVAL)


def test_it_approves_the_very_plan(api: Callable[[str], Api], waiting: Change) -> None:
    body = {"plan_digest": waiting.plan_digest, "comment": "fine"}
    answer = api("bob").post(f"/changes/{waiting.pk}/approve", body)
    assert answer.status == 200
    shown = answer.json
    assert shown["state"] == "approved"
    [approval] = shown["approvals"]
    assert (approval["by"], approval["decision"]) == ("bob", "approved")
    assert (approval["comment"], approval["plan_digest"]) == ("fine", waiting.plan_digest)
    assert approval["at"]
    assert shown["job"]["id"] == Job.objects.get().pk
    assert shown["job"]["started_at"] is None
    assert history(waiting)[-1] == (2, "state", "approved")
    plan = shown["plan"]
    assert plan["digest"] == waiting.plan_digest
    assert plan["steps"] == [{"title": "Stop Docker", "command": "service docker stop"}]
    assert plan["expected_outage_s"] == 2.5
    [move] = plan["containers"]
    assert {"name", "from", "to"} <= set(move)


def unjudged(change: Change) -> None:
    change.refresh_from_db()
    assert change.state == State.AWAITING_APPROVAL
    assert history(change) == [(1, "state", "planning")]
    assert not Approval.objects.exists()
    assert not Job.objects.exists()


@pytest.mark.parametrize("role", ["approver", "admin"])
@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_it_never_lets_anybody_judge_their_own(
    verb: str, role: str, api: Callable[[str], Api], waiting: Change, people: dict[str, User]
) -> None:
    User.objects.filter(username="alice").update(role=role)
    body = {"plan_digest": waiting.plan_digest} if verb == "approve" else {"comment": "no"}
    answer = api("alice").post(f"/changes/{waiting.pk}/{verb}", body)
    assert (answer.status, answer.problems) == (403, [("", "own-change")])
    unjudged(waiting)


@pytest.mark.parametrize("digest", ["", "0" * 64, "x"])
def test_it_refuses_the_digest_of_another_plan(
    digest: str, api: Callable[[str], Api], waiting: Change
) -> None:
    answer = api("bob").post(f"/changes/{waiting.pk}/approve", {"plan_digest": digest})
    assert (answer.status, answer.problems) == (409, [("plan_digest", "plan-digest")])
    unjudged(waiting)


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("approve", {}, "plan_digest"),
        ("approve", {"plan_digest": 1}, "plan_digest"),
        ("approve", {"plan_digest": "x", "force": True}, "force"),
        ("approve", {"plan_digest": "x", "comment": "x" * 2001}, "comment"),
        ("reject", {}, "comment"),
        ("reject", {"comment": " "}, "comment"),
        ("reject", {"comment": "x\x00"}, "comment"),
    ],
)
def test_it_refuses_a_bad_judgement(
    verb: str, body: dict[str, Any], field: str, api: Callable[[str], Api], waiting: Change
) -> None:
    answer = api("bob").post(f"/changes/{waiting.pk}/{verb}", body)
    assert answer.status == 422
    assert [f for f, _ in answer.problems] == [field]
    unjudged(waiting)


def test_it_approves_nothing_on_a_host_that_is_offline(
    api: Callable[[str], Api], waiting: Change
) -> None:
    waiting.host.last_seen_at = None
    waiting.host.save()
    answer = api("bob").post(f"/changes/{waiting.pk}/approve", {"plan_digest": waiting.plan_digest})
    assert (answer.status, answer.problems) == (409, [("host", "host-offline")])
    unjudged(waiting)


@pytest.mark.parametrize("state", [s for s in State if s != State.AWAITING_APPROVAL])
@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_it_judges_only_what_waits_for_it(
    verb: str, state: State, api: Callable[[str], Api], people: dict[str, User]
) -> None:
    change = change_row(host_row("web-1"), people["alice"], state, plan=plan_of())
    body = {"plan_digest": change.plan_digest} if verb == "approve" else {"comment": "no"}
    answer = api("bob").post(f"/changes/{change.pk}/{verb}", body)
    assert (answer.status, answer.problems) == (409, [("", "state")])
    change.refresh_from_db()
    assert change.state == state
    nothing_new(1)


def test_it_approves_once(api: Callable[[str], Api], waiting: Change) -> None:
    body = {"plan_digest": waiting.plan_digest}
    assert api("bob").post(f"/changes/{waiting.pk}/approve", body).status == 200
    assert api("erin").post(f"/changes/{waiting.pk}/approve", body).status == 409
    assert Job.objects.count() == 1
    assert Approval.objects.count() == 1


def test_it_rejects_with_a_reason(api: Callable[[str], Api], waiting: Change) -> None:
    answer = api("bob").post(f"/changes/{waiting.pk}/reject", {"comment": "Not today."})
    assert (answer.status, answer.json["state"]) == (200, "rejected")
    assert answer.json["approvals"][0]["decision"] == "rejected"
    assert history(waiting)[1:] == [(2, "state", "rejected"), (3, "end", "rejected")]
    end = Event.objects.get(type="end")
    assert end.data["total"] == 3
    assert not Job.objects.exists()


@pytest.mark.parametrize("state", State)
def test_it_withdraws_until_it_is_approved(
    state: State, api: Callable[[str], Api], people: dict[str, User]
) -> None:
    change = change_row(host_row("web-1"), people["alice"], state)
    answer = api("alice").post(f"/changes/{change.pk}/withdraw")
    change.refresh_from_db()
    if state in ("planning", "blocked", "awaiting_approval", "stale"):
        assert (answer.status, answer.json["state"]) == (200, "withdrawn")
        assert history(change)[-1][1:] == ("end", "withdrawn")
    else:
        code = "with-host" if state == "approved" else "state"
        assert (answer.status, answer.problems) == (409, [("", code)])
        assert change.state == state
        nothing_new(1)


def test_it_withdraws_for_the_requester_and_admins_alone(
    api: Callable[[str], Api], waiting: Change
) -> None:
    for name in ("dan", "bob"):
        answer = api(name).post(f"/changes/{waiting.pk}/withdraw")
        assert (answer.status, answer.problems) == (403, [("", "not-yours")])
    unjudged(waiting)
    assert api("admin").post(f"/changes/{waiting.pk}/withdraw").status == 200


@pytest.mark.parametrize("state", State)
def test_it_plans_anew(state: State, api: Callable[[str], Api], people: dict[str, User]) -> None:
    change = change_row(host_row("web-1"), people["alice"], state)
    answer = api("dan").post(f"/changes/{change.pk}/replan")
    change.refresh_from_db()
    if state in ("blocked", "stale", "awaiting_approval", "expired"):
        assert (answer.status, answer.json["state"]) == (200, "planning")
        assert (change.plan, change.plan_digest, change.plan_round) == (None, "", 2)
    else:
        assert (answer.status, answer.problems) == (409, [("", "state")])
        assert (change.state, change.plan_round) == (state, 1)
        nothing_new(1)


def test_it_has_one_end_however_often_it_is_planned(
    api: Callable[[str], Api], people: dict[str, User]
) -> None:
    change = change_row(host_row("web-1"), people["alice"])
    for plan_round in (1, 2, 3):
        report = PlanReport(change.pk, plan_round, plan_of(blocker="too-small"))
        assert plan_store(host=change.host, report=report)
        rows = history(change)
        assert [seq for seq, type_, _ in rows if type_ == "end"] == [len(rows)]
        assert api("alice").post(f"/changes/{change.pk}/replan").status == 200
        assert not Event.objects.filter(type="end").exists()
    assert api("alice").post(f"/changes/{change.pk}/withdraw").status == 200
    rows = history(change)
    assert [row for row in rows if row[1] == "end"] == [(len(rows), "end", "withdrawn")]
    assert Event.objects.get(type="end").data["total"] == len(rows)


def test_it_plans_nothing_anew_while_another_change_holds_the_host(
    api: Callable[[str], Api], people: dict[str, User], waiting: Change
) -> None:
    other = change_row(waiting.host, people["dan"], State.BLOCKED)
    answer = api("dan").post(f"/changes/{other.pk}/replan")
    assert (answer.status, answer.problems) == (409, [("host", "host-busy")])
    other.refresh_from_db()
    assert (other.state, other.plan_round) == (State.BLOCKED, 1)


def test_it_reverts_to_what_the_host_was(
    api: Callable[[str], Api], people: dict[str, User], recorded: Callable[[str], Any]
) -> None:
    host = host_row("web-1")
    now = timezone.now()
    data = recorded("sysv")
    later = {**data, "networks": []}
    for ago, seen in ((60, data), (0, later)):
        at = now - timedelta(minutes=ago)
        Observation.objects.create(host=host, at=at, cause="start", data=seen)
    change = change_row(host, people["alice"], State.SUCCEEDED)
    job = job_row(change)
    Job.objects.filter(pk=job.pk).update(created_at=now - timedelta(minutes=30))
    answer = api("dan").post(f"/changes/{change.pk}/revert")
    assert (answer.status, answer.json["state"]) == (201, "planning")
    back = Change.objects.get(pk=answer.json["id"])
    assert back.reverts == change
    was = next(n for n in data["networks"] if n["name"] == "bridge")
    assert back.spec["subnet"] == was["subnets"][0]
    assert back.spec["gateway"] == was["gateway"]
    assert (back.requested_by, back.state) == (people["dan"], State.PLANNING)
    noted = Entry.objects.get(action="change.reverted")
    assert (noted.by, noted.target) == ("dan", f"change:{back.pk}")
    assert f"which undoes change {change.pk}." in noted.message


def test_it_reverts_by_the_plan_whatever_the_clock_of_the_host_says(
    api: Callable[[str], Api], people: dict[str, User], recorded: Callable[[str], Any]
) -> None:
    data = recorded("sysv")
    spec = {"network": "bridge", "subnet": "10.123.0.0/24", "accept": ["removes-container"]}
    plan = make_plan(from_json(Observed, data), parse_spec("subnet", spec))
    host, now = host_row("web-1"), timezone.now()
    after = [{**n, "subnets": [spec["subnet"]], "gateway": None} for n in data["networks"]]
    Observation.objects.create(
        host=host, at=now - timedelta(minutes=5), cause="job", data={**data, "networks": after}
    )
    change = change_row(host, people["alice"], State.SUCCEEDED, plan=plan)
    job_row(change)
    answer = api("dan").post(f"/changes/{change.pk}/revert")
    assert answer.status == 201
    was = next(n for n in data["networks"] if n["name"] == "bridge")
    back = Change.objects.get(pk=answer.json["id"])
    assert (back.spec["subnet"], back.spec["gateway"]) == (was["subnets"][0], was["gateway"])


def test_it_reverts_nothing_whose_past_is_not_known(
    api: Callable[[str], Api], people: dict[str, User]
) -> None:
    change = change_row(host_row("web-1"), people["alice"], State.SUCCEEDED)
    job_row(change)
    answer = api("alice").post(f"/changes/{change.pk}/revert")
    assert (answer.status, answer.problems) == (409, [("", "former-unknown")])
    assert Change.objects.count() == 1


@pytest.mark.parametrize("state", [s for s in State if s != State.SUCCEEDED])
def test_it_reverts_only_what_succeeded(
    state: State, api: Callable[[str], Api], people: dict[str, User]
) -> None:
    change = change_row(host_row("web-1"), people["alice"], state)
    answer = api("alice").post(f"/changes/{change.pk}/revert")
    assert (answer.status, answer.problems) == (409, [("", "state")])
    nothing_new(1)


def test_it_shows_what_became_of_the_containers(
    api: Callable[[str], Api], people: dict[str, User]
) -> None:
    change = change_row(host_row("web-1"), people["alice"], State.SUCCEEDED)
    result = {"containers": [{"name": "web", "from": "172.17.0.2", "to": "192.168.225.2"}]}
    job_row(change, result=result, outage_s=2.1, finished_at=timezone.now())
    shown = api("carol").get(f"/changes/{change.pk}").json
    assert shown["plan"]["containers"][0]["actual"] == "192.168.225.2"
    assert shown["job"]["outage_s"] == 2.1


@pytest.mark.parametrize("size", [1, 25])
def test_it_asks_the_database_the_same_for_any_number_of_changes(
    size: int,
    api: Callable[[str], Api],
    people: dict[str, User],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    carol = api("carol")
    for _ in range(size):
        change = change_row(host_row(), people["alice"], State.SUCCEEDED)
        job_row(change)
        Approval.objects.create(change=change, by=people["bob"], decision="approved")
    carol.get("/me")
    with django_assert_num_queries(5):  # token, page, approvals, jobs, count
        items = carol.get("/changes").json["items"]
    assert len(items) == size
    assert items[0]["approvals"][0]["by"] == "bob"


def test_it_filters_the_list(api: Callable[[str], Api], people: dict[str, User]) -> None:
    one = change_row(host_row("web-1"), people["alice"], State.SUCCEEDED)
    two = change_row(host_row("web-2"), people["dan"], State.FAILED)
    carol = api("carol")

    def found(**query: str) -> list[int]:
        return [item["id"] for item in carol.get("/changes", **query).json["items"]]

    assert found() == [two.pk, one.pk]
    assert found(host="web-1") == [one.pk]
    assert found(state="failed") == [two.pk]
    assert found(requested_by="alice") == [one.pk]
    assert found(kind="nat") == []


def test_it_filters_by_nothing_that_cannot_be(api: Callable[[str], Api]) -> None:
    answer = api("carol").get("/changes", state="sucess")
    assert (answer.status, answer.problems) == (422, [("state", "unknown")])
    assert "succeeded" in answer.json["errors"][0]["message"]
    answer = api("carol").get("/changes", kind="subnets")
    assert (answer.status, answer.problems) == (422, [("kind", "unknown")])


def test_it_gives_a_plan_back_as_it_was_stored(people: dict[str, User]) -> None:
    plan = plan_of()
    change = change_row(host_row(), people["alice"], State.AWAITING_APPROVAL, plan=plan)
    change.refresh_from_db()
    assert to_json(change.current_plan) == to_json(plan)


def test_it_speaks_english_whatever_the_caller_prefers(api: Callable[[str], Api]) -> None:
    change_row(host_row("web-1"), User.objects.get(username="alice"), State.AWAITING_APPROVAL)
    korean = {"authorization": api("alice")._headers["authorization"], "accept-language": "ko"}
    answer = Client().post(
        "/api/v1/changes", json.dumps(BODY), content_type="application/json", headers=korean
    )
    assert answer.status_code == 409
    assert "(awaiting approval) is open on web-1" in answer.json()["errors"][0]["message"]
