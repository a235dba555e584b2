"""The pages of policies, freezes and groups, and what they make of the page of a change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from hosts.models import Host
from netops.models import Change, Job
from netops.services import change_approve, change_break_glass
from people.models import User
from policies.models import EnvironmentPolicy, FreezeWindow, Grant, WeeklyFreeze
from policies.services import freeze_add, grant_add, policy_save
from tests.pages import world
from tests.pages.reading import fields, tags, targets, text, text_of

pytestmark = pytest.mark.django_db
Browse = Callable[[str], Client]
People = dict[str, User]
POLICY = {"approvals_needed": "2", "approver_group": "", "approvals_from_group": "", "hours": "36"}


@pytest.fixture
def waiting(people: People, web: Host) -> Change:
    """alice's change on a production host, which waits for approval."""
    return world.Story(web, people["alice"]).planned().change


def two(people: People, **values: object) -> EnvironmentPolicy:
    wanted = {"approvals_needed": 2, **values}
    return policy_save(user=people["admin"], environment="production", **wanted)  # type: ignore[arg-type]


def approve(change: Change, user: User) -> None:
    change_approve(user=user, change=change, plan_digest=change.plan_digest)


def freeze(people: People) -> None:
    now = timezone.now()
    end = now + timedelta(hours=5)
    freeze_add(user=people["admin"], starts_at=now, ends_at=end, reason="Big sale", everywhere=True)


def test_it_sets_a_policy_and_lists_it(browse: Browse, web: Host) -> None:
    client = browse("admin")
    said = "All others: production, and hosts without an environment."
    assert said in text(client.get("/policies/"))
    form = client.get("/policies/new/?environment=production")
    assert fields(form)["environment"] == "production"
    answer = client.post("/policies/new/", {"environment": "production", **POLICY})
    policy = EnvironmentPolicy.objects.get()
    assert answer["Location"] == f"/policies/{policy.pk}/"
    assert (policy.approvals_needed, policy.approval_expires_s) == (2, 129_600)
    listed = text(browse("carol").get("/policies/"))
    assert "production 2 36 hours nothing" in listed
    assert "All others 1 7 days nothing" in listed
    shown = client.get(f"/policies/{policy.pk}/")
    assert fields(shown)["hours"] == "36"
    answer = client.post(f"/policies/{policy.pk}/", {**POLICY, "request_granted_only": "on"})
    policy.refresh_from_db()
    assert (answer.status_code, policy.request_granted_only) == (302, True)
    assert Entry.objects.filter(action="policy.saved", via="page").count() == 2


def test_it_stores_the_default_policy_when_it_is_saved(browse: Browse, people: People) -> None:
    client = browse("admin")
    assert "Default policy" in text(client.get("/policies/default/"))
    assert not EnvironmentPolicy.objects.exists()
    client.post("/policies/default/", POLICY)
    policy = EnvironmentPolicy.objects.get()
    assert (policy.environment, policy.approvals_needed) == ("", 2)
    client.post("/policies/default/", {**POLICY, "approvals_needed": "3"})
    assert EnvironmentPolicy.objects.get().approvals_needed == 3


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"hours": "0"}, "a minute to a year"),
        ({"hours": "inf"}, "number"),
        ({"approver_group": "nobody"}, "There is no group"),
        ({"environment": ""}, "required"),
    ],
)
def test_it_says_what_is_wrong_with_a_policy(
    browse: Browse, sent: dict[str, str], said: str
) -> None:
    data = {"environment": "production", **POLICY, **sent}
    answer = browse("admin").post("/policies/new/", data)
    assert answer.status_code == 422
    assert said in text(answer)
    assert not EnvironmentPolicy.objects.exists()


def test_it_gives_grants_and_takes_them_back(browse: Browse, people: People) -> None:
    policy, client = two(people), browse("admin")
    path = f"/policies/{policy.pk}/"
    client.post(f"{path}grants/", {"action": "request", "person": "alice", "group": ""})
    grant = Grant.objects.get()
    assert "alice Request not needed now" in text_of(client.get(path), "grants")
    wrong = client.post(f"{path}grants/", {"action": "request", "person": "nobody"})
    assert (wrong.status_code, Grant.objects.count()) == (422, 1)
    assert "There is nobody called “nobody”." in text_of(wrong, "grants")
    client.post(f"{path}grants/{grant.pk}/remove/")
    assert not Grant.objects.exists()


def test_it_adds_and_removes_freezes(browse: Browse, people: People) -> None:
    client = browse("admin")
    sent = {"starts_at": "2099-12-24T08:00", "ends_at": "2099-12-27T08:00", "reason": "Christmas"}
    for wrong in ({}, {"where": "one"}, {"where": "all", "environment": "production"}):
        answer = client.post("/freezes/", {**sent, **wrong})
        assert (answer.status_code, FreezeWindow.objects.count()) == (422, 0)
    assert "Leave this empty" in text_of(answer, "window_environment_error")
    client.post("/freezes/", {**sent, "where": "all"})
    window = FreezeWindow.objects.get()
    assert window.starts_at.isoformat() == "2099-12-24T08:00:00+00:00"
    assert "2099-12-24 08:00 – 2099-12-27 08:00 everywhere Christmas" in text(
        browse("carol").get("/freezes/")
    )
    week = {"from_weekday": "4", "from_time": "16:00", "to_weekday": "0", "to_time": "08:00"}
    week |= {"time_zone": "Europe/Berlin", "reason": "Weekend"}
    week |= {"where": "one", "environment": "production"}
    wrong = client.post("/freezes/weekly/", {**week, "time_zone": "Berlin"})
    assert (wrong.status_code, WeeklyFreeze.objects.count()) == (422, 0)
    client.post("/freezes/weekly/", week)
    weekly = WeeklyFreeze.objects.get()
    assert "Friday 16:00 – Monday 08:00 Europe/Berlin production" in text(client.get("/freezes/"))
    client.post(f"/freezes/{window.pk}/remove/")
    client.post(f"/freezes/weekly/{weekly.pk}/remove/")
    assert not FreezeWindow.objects.exists()
    assert not WeeklyFreeze.objects.exists()


def test_it_makes_groups(browse: Browse, people: People) -> None:
    client = browse("admin")
    client.post("/groups/", {"name": "dba"})
    group = Group.objects.get()
    path = f"/groups/{group.pk}/"
    client.post(path, {"name": "bob"})
    assert "bob Approver" in text(browse("carol").get(path))
    assert client.post(path, {"name": "bob"}).status_code == 422
    assert "dba 1" in text(client.get("/groups/"))
    policy = two(people, approver_group="dba")
    assert "Remove the group dba? 1 person is in it." in text(client.get(f"{path}remove/"))
    client.post(f"{path}remove/")
    assert "It is used by the policy of production" in text(client.get(path))
    policy.delete()
    client.post(f"{path}{people['bob'].pk}/remove/")
    assert "Nobody is in this group." in text(client.get(path))
    client.post(f"{path}remove/")
    assert not Group.objects.exists()


def test_it_asks_before_a_policy_goes(browse: Browse, people: People) -> None:
    policy, client = two(people), browse("admin")
    grant_add(user=people["admin"], policy=policy, action="request", person="alice")
    path = f"/policies/{policy.pk}/"
    shown = client.get(path)
    assert f"{path}remove/" in {link.get("href") for link in tags(shown, "a")}
    assert f"{path}remove/" not in {form.get("action") for form in tags(shown, "form")}
    asked = client.get(f"{path}remove/")
    assert "Remove the policy of production?" in text(asked)
    assert "Its 1 grant goes with it." in text(asked)
    assert EnvironmentPolicy.objects.exists()
    client.post(f"{path}remove/")
    assert not EnvironmentPolicy.objects.exists()
    assert client.get(f"{path}remove/").status_code == 404


def test_others_read_a_policy_as_sentences(browse: Browse, people: People) -> None:
    shown = browse("carol").get(f"/policies/{two(people).pk}/")
    assert "Approvals needed 2 A plan waits 7 days Needs a grant" in text(shown)
    assert not [box for box in tags(shown, "input") if box.get("type") == "checkbox"]


@pytest.mark.parametrize("name", ["carol", "alice", "bob"])
def test_it_lets_admins_alone_edit(browse: Browse, people: People, name: str) -> None:
    policy, group = two(people), Group.objects.create(name="dba")
    grant = grant_add(user=people["admin"], policy=policy, action="request", person="alice")
    freeze(people)
    before, client = Entry.objects.count(), browse(name)
    pages = (
        "/policies/",
        f"/policies/{policy.pk}/",
        "/freezes/",
        "/groups/",
        f"/groups/{group.pk}/",
    )
    for path in pages:
        page = client.get(path)
        assert page.status_code == 200
        mine = {path for path in targets(page) if "remove" in path or "grants" in path}
        assert not mine
    posts = [
        ("/policies/new/", {"environment": "x", **POLICY}),
        ("/policies/default/", POLICY),
        (f"/policies/{policy.pk}/", {**POLICY, "approvals_needed": "1"}),
        (f"/policies/{policy.pk}/remove/", {}),
        (f"/policies/{policy.pk}/grants/", {"action": "request", "person": name}),
        (f"/policies/{policy.pk}/grants/{grant.pk}/remove/", {}),
        ("/freezes/", {}),
        ("/freezes/weekly/", {}),
        (f"/freezes/{FreezeWindow.objects.get().pk}/remove/", {}),
        ("/freezes/weekly/1/remove/", {}),
        ("/groups/", {"name": "x"}),
        (f"/groups/{group.pk}/", {"name": name}),
        (f"/groups/{group.pk}/remove/", {}),
        (f"/groups/{group.pk}/{people['bob'].pk}/remove/", {}),
    ]
    for path, data in posts:
        assert client.post(path, data).status_code == 403, path
    assert Entry.objects.count() == before
    assert EnvironmentPolicy.objects.get().approvals_needed == 2
    assert Grant.objects.get() == grant


def test_it_says_what_the_review_lacks_and_who_can_give_it(
    browse: Browse, people: People, waiting: Change
) -> None:
    Group.objects.create(name="dba").user_set.add(people["dan"])  # type: ignore[attr-defined]
    two(people, approver_group="dba", approvals_from_group=1)
    path = f"/changes/{waiting.pk}/"
    review = text_of(browse("bob").get(path), "review")
    assert "0 of 2 approvals" in review
    assert "It needs 2 more approvals, 1 of them from the group dba." in review
    assert "Can approve: admin, bob, dan." in review
    assert "It is carried out with the last approval." in review
    client = browse("bob")
    answer = client.post(f"{path}approve/", {"plan_digest": waiting.plan_digest}, follow=True)
    review = text_of(answer, "review")
    assert "1 of 2 approvals" in review
    assert "It needs one more approval from the group dba. Can approve: dan." in review
    assert "You have approved this plan; it waits for somebody else." in review
    assert not tags_with_id(answer, "approve")
    assert tags_with_id(answer, "reject")
    outside = browse("admin").get(path)
    assert "you are not in it" in text_of(outside, "review")
    assert not tags_with_id(outside, "approve")
    assert "It is carried out as soon as you approve." in text(browse("dan").get(path))


def tags_with_id(page: object, name: str) -> list[dict[str, str]]:
    found = tags(page, "button") + tags(page, "a")  # type: ignore[arg-type]
    return [named for named in found if named.get("id") == name]


def test_it_warns_when_nobody_can_give_what_is_missing(
    browse: Browse, people: People, waiting: Change
) -> None:
    Group.objects.create(name="dba").user_set.add(people["alice"])  # type: ignore[attr-defined]
    two(people, approver_group="dba")
    page = browse("bob").get(f"/changes/{waiting.pk}/")
    assert "Nobody can give it now" in text_of(page, "review")


def test_it_says_which_approval_does_not_count(
    browse: Browse, people: People, waiting: Change
) -> None:
    two(people)
    Change.objects.filter(pk=waiting.pk).update(planned_at=waiting.created_at)
    approve(waiting, people["bob"])
    User.objects.filter(username="bob").update(role="viewer")
    review = text_of(browse("carol").get(f"/changes/{waiting.pk}/"), "review")
    assert "no longer counts" in review
    assert "0 of 2 approvals" in review


def test_it_shows_a_freeze_on_change_and_host(
    browse: Browse, people: People, waiting: Change
) -> None:
    freeze(people)
    page = browse("bob").get(f"/changes/{waiting.pk}/")
    until = f"{FreezeWindow.objects.get().ends_at:%Y-%m-%d %H:%M} UTC"
    assert f"frozen until {until}: Big sale. This ends in" in text_of(page, "frozen")
    assert "read and rejected now, and approved after that" in text_of(page, "frozen")
    assert not tags_with_id(page, "approve")
    assert "in an emergency an admin can break the glass" in text_of(page, "review")
    host = browse("carol").get("/hosts/web-1/")
    assert f"Changes are frozen until {until}: Big sale" in text_of(host, "frozen")
    digest = {"plan_digest": waiting.plan_digest}
    refused = browse("bob").post(f"/changes/{waiting.pk}/approve/", digest)
    assert refused.status_code == 409
    assert not Job.objects.exists()


def test_it_tells_who_lacks_a_grant(browse: Browse, people: People, waiting: Change) -> None:
    two(people, request_granted_only=True, approve_granted_only=True)
    host = browse("alice").get("/hosts/web-1/")
    said = "Only people with a grant request changes of hosts in production"
    assert said in text_of(host, "no-grant")
    assert not [path for path in targets(host) if "/changes/new/" in path]
    change = browse("bob").get(f"/changes/{waiting.pk}/")
    assert said in text_of(change, "no-grant")
    assert "Only people with a grant judge changes" in text_of(change, "review")
    found = targets(change)
    assert not [p for p in found if any(w in p for w in ("approve", "reject", "replan"))]
    sent = {"kind": "subnet", "host": "web-1", "subnet": "10.9.0.0/24", "reason": "x"}
    answer = browse("alice").post("/changes/new/", sent)
    assert answer.status_code == 422
    assert said in text(answer)
    assert Change.objects.count() == 1


def test_it_breaks_the_glass_after_a_second_confirmation(
    browse: Browse, people: People, waiting: Change
) -> None:
    two(people)
    freeze(people)
    client, path = browse("admin"), f"/changes/{waiting.pk}/break-glass/"
    assert path in targets(client.get(f"/changes/{waiting.pk}/"))
    asked = client.get(path)
    assert "with 0 of 2 approvals. The freeze until" in text(asked)
    assert fields(asked)["plan_digest"] == waiting.plan_digest
    sent = {"plan_digest": waiting.plan_digest, "reason": "Cut off.", "host": "web-1"}
    for wrong in ({"host": "web-2"}, {"reason": " "}, {"plan_digest": "0" * 64}):
        answer = client.post(path, {**sent, **wrong})
        assert answer.status_code in (409, 422)
        waiting.refresh_from_db()
        assert (waiting.state, waiting.break_glass_by) == ("awaiting_approval", "")
    page = client.post(path, sent, follow=True)
    said = "admin broke the glass: this was sent to the host without the approvals that it needs"
    assert said in text(page)
    assert "Glass broken" in text_of(page, "stages")
    assert "Cut off." in text_of(page, "glass")
    assert "The job is on its way to web-1" in text_of(page, "glass")
    # In the banner, the conversation and the log of events.
    assert text(page).count("admin broke the glass") == 3
    assert client.get(path).status_code == 302
    for listed in ("/changes/", "/hosts/web-1/"):
        assert "break-glass" in text(browse("carol").get(listed))


@pytest.mark.parametrize("name", ["carol", "alice", "bob"])
def test_it_keeps_the_glass_for_admins(
    browse: Browse, people: People, waiting: Change, name: str
) -> None:
    client, path = browse(name), f"/changes/{waiting.pk}/break-glass/"
    assert path not in targets(client.get(f"/changes/{waiting.pk}/"))
    sent = {"plan_digest": waiting.plan_digest, "reason": "x", "host": "web-1"}
    assert client.get(path).status_code == 403
    assert client.post(path, sent).status_code == 403
    waiting.refresh_from_db()
    assert (waiting.state, waiting.break_glass_by) == ("awaiting_approval", "")


def test_it_escapes_what_people_write(browse: Browse, people: People, waiting: Change) -> None:
    evil = "<script>alert(1)</script>"
    digest = waiting.plan_digest
    change_break_glass(user=people["admin"], change=waiting, plan_digest=digest, reason=evil)
    policy_save(user=people["admin"], environment=evil)
    Group.objects.create(name=evil)
    now = timezone.now()
    freeze_add(
        user=people["admin"],
        starts_at=now,
        ends_at=now + timedelta(1),
        reason=evil,
        environment=evil,
    )
    for path in (f"/changes/{waiting.pk}/", "/changes/", "/policies/", "/freezes/", "/groups/"):
        page = browse("admin").get(path).content.decode()
        assert evil not in page
        assert "&lt;script&gt;" in page
