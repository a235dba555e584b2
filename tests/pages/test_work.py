"""One person's work: what waits for them is what they may really do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from hosts.models import Host
from netops.models import Approval, Change
from netops.states import State
from people.models import User
from policies.mine import to_approve, to_confirm
from policies.models import EnvironmentPolicy, FreezeWindow
from policies.review import review_of
from policies.services import grant_add, policy_save
from policies.standing import standing_of
from tests.pages import world
from tests.pages.reading import targets, text, text_of

Browse = Callable[[str], Client]
People = dict[str, User]


def waiting(people: People, name: str = "web-1", environment: str = "production") -> Change:
    return world.Story(world.host(name, environment=environment), people["alice"]).planned().change


def rule(people: People, environment: str, **fields: object) -> EnvironmentPolicy:
    return policy_save(user=people["admin"], environment=environment, **fields)  # type: ignore[arg-type]


def same_as_the_page(user: User, change: Change) -> bool:
    """True when the page of the change offers the approval."""
    approvals = list(Approval.objects.filter(change=change).select_related("by"))
    standing = standing_of(user=user, change=change, approvals=approvals)
    return standing.waiting is not None and not standing.approve_why_not


def agree(people: People) -> dict[str, list[int]]:
    """What each may approve; asserts that the pages of the changes say the same."""
    found = {}
    for name, user in people.items():
        mine = [change.pk for change in to_approve(user=user)]
        own = [c for c in Change.objects.select_related("host") if same_as_the_page(user, c)]
        assert sorted(mine) == sorted(change.pk for change in own), name
        if mine:
            found[name] = mine
    return found


def test_it_shows_what_waits_for_whom(browse: Browse, people: People) -> None:
    change = waiting(people)
    assert agree(people) == {name: [change.pk] for name in ("bob", "dan", "admin")}
    page = browse("bob").get("/work/")
    assert "VPN of the Seoul office" in text(page)
    assert f"/changes/{change.pk}/" in targets(page)
    assert (
        text_of(browse("bob").get("/work/count/"), "work-count")
        == "11 waits for your approval or confirmation"
    )
    assert text_of(browse("alice").get("/work/count/"), "work-count") == ""
    assert "Waiting for your approval" not in text(browse("alice").get("/work/"))
    assert f"#{change.pk}" in text(browse("alice").get("/work/"))


def test_it_leaves_out_what_somebody_else_has_to_approve(people: People) -> None:
    group = Group.objects.create(name="dba")
    people["dan"].groups.add(group)
    policy = rule(people, "production", approvals_needed=2, approve_granted_only=True)
    grant_add(user=people["admin"], policy=policy, action="approve", group="dba")
    grant_add(user=people["admin"], policy=policy, action="approve", person="bob")
    first, other = waiting(people), waiting(people, "lab-1", "lab")
    assert agree(people)["admin"] == [other.pk]
    assert set(agree(people)["bob"]) == {first.pk, other.pk}
    Approval.objects.create(
        change=first, by=people["bob"], decision="approved", plan_digest=first.plan_digest
    )
    assert agree(people)["bob"] == [other.pk]
    assert set(agree(people)["dan"]) == {first.pk, other.pk}
    # Who lost the grant gives no approval that counts, and cannot give another.
    policy.grants.filter(user=people["bob"]).delete()
    assert agree(people)["bob"] == [other.pk]
    assert review_of(change=first).given == 0


def test_it_counts_members_of_the_group_alone(people: People) -> None:
    group = Group.objects.create(name="dba")
    people["dan"].groups.add(group)
    rule(people, "", approvals_needed=1, approver_group="dba", approvals_from_group=1)
    change = waiting(people)
    assert agree(people) == {"dan": [change.pk]}


def test_a_default_that_asks_for_grants_holds_where_no_policy_is(people: People) -> None:
    default = rule(people, "", approve_granted_only=True)
    rule(people, "lab")
    first, lab = waiting(people), waiting(people, "lab-1", "lab")
    assert agree(people) == {name: [lab.pk] for name in ("bob", "dan", "admin")}
    grant_add(user=people["admin"], policy=default, action="approve", person="bob")
    assert set(agree(people)["bob"]) == {first.pk, lab.pk}


def test_nothing_waits_while_changes_are_frozen(people: People) -> None:
    change, now = waiting(people), timezone.now()
    freeze = FreezeWindow.objects.create(
        environment="lab", reason="x", starts_at=now, ends_at=now + timedelta(hours=1)
    )
    assert agree(people)["bob"] == [change.pk]
    FreezeWindow.objects.filter(pk=freeze.pk).update(environment="production")
    assert agree(people) == {}


def test_an_approval_that_counts_no_more_is_not_counted_here_either(people: People) -> None:
    policy = rule(people, "production", approvals_needed=2, approve_granted_only=True)
    grant_add(user=people["admin"], policy=policy, action="approve", person="dan")
    change, now = waiting(people), timezone.now()
    Approval.objects.create(
        change=change, by=people["bob"], decision="approved", plan_digest=change.plan_digest
    )
    # Only the last approval has to wait for the end of a freeze; dan's is the first that counts.
    FreezeWindow.objects.create(
        everywhere=True, reason="x", starts_at=now, ends_at=now + timedelta(hours=1)
    )
    assert agree(people) == {"dan": [change.pk]}


def test_many_that_i_approved_do_not_hide_the_one_that_i_did_not(people: People) -> None:
    rule(people, "", approvals_needed=2)
    for number in range(4):
        change = waiting(people, f"web-{number}")
        Approval.objects.create(
            change=change, by=people["bob"], decision="approved", plan_digest=change.plan_digest
        )
    last = waiting(people, "web-9")
    assert [c.pk for c in to_approve(user=people["bob"], most=2)] == [last.pk]


def test_it_shows_what_waits_to_be_confirmed(browse: Browse, people: People, web: Host) -> None:
    story = world.Story(web, people["alice"]).planned().judged(people["bob"]).began()
    Change.objects.update(confirm="person")
    assert to_confirm(user=people["alice"]) == []
    story.held()
    assert [c.pk for c in to_confirm(user=people["alice"])] == [story.change.pk]
    assert to_confirm(user=people["alice"])[0].confirm_until == story.job.confirm_until  # type: ignore
    assert "Waiting for your confirmation" in text(browse("alice").get("/work/"))
    assert to_confirm(user=people["carol"]) == []
    rule(people, "production", cancel_granted_only=True)
    assert to_confirm(user=people["bob"]) == []
    assert to_confirm(user=people["admin"]) != []
    story.job.confirmed_at = timezone.now()  # type: ignore[union-attr]
    story.job.save()  # type: ignore[union-attr]
    assert to_confirm(user=people["alice"]) == []


def test_it_shows_what_failed_until_the_host_is_past_it(
    browse: Browse, people: People, web: Host
) -> None:
    story = world.Story(web, people["alice"]).planned().judged(people["bob"]).began()
    failed = story.ended(State.FAILED, "It is in neither state.").change
    page = browse("carol").get("/work/")
    assert f"needy-{failed.pk}" in page.content.decode()
    world.story_succeeded(web, people["alice"], people["bob"])
    assert f"needy-{failed.pk}" not in browse("carol").get("/work/").content.decode()


def test_it_shows_what_is_open_first(browse: Browse, people: People, web: Host) -> None:
    open_ = world.Story(web, people["alice"]).planned().change
    done = world.story_succeeded(world.host("web-2"), people["alice"], people["bob"])
    page = browse("alice").get("/work/").content.decode()
    assert page.index(f'"asked-{open_.pk}"') < page.index(f'"asked-{done.pk}"')


@pytest.mark.parametrize("path", ["/work/", "/work/count/"])
def test_it_gives_htmx_the_part_alone(browse: Browse, people: People, path: str) -> None:
    answer = browse("bob").get(path, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()


def test_it_names_each_change_once_and_the_last_word_first(
    browse: Browse, people: People, web: Host
) -> None:
    story = world.Story(web, people["alice"]).planned().judged(people["bob"]).began()
    failed = story.ended(State.FAILED, "It is in neither state.").change
    older, newer = (
        world.story_succeeded(world.host(name), people["alice"], people["bob"])
        for name in ("web-2", "web-3")
    )
    Change.objects.filter(pk=older.pk).update(updated_at=timezone.now() + timedelta(minutes=1))
    page = browse("alice").get("/work/").content.decode()
    assert f'"needy-{failed.pk}"' in page
    assert f'"asked-{failed.pk}"' not in page
    assert page.index(f'"asked-{older.pk}"') < page.index(f'"asked-{newer.pk}"')
    Change.objects.exclude(pk=failed.pk).update(requested_by=people["dan"])
    assert "All that you asked for stands above." in text(browse("alice").get("/work/"))
    assert "You have not asked" not in text(browse("alice").get("/work/"))
    assert "You have not asked" in text(browse("bob").get("/work/"))
