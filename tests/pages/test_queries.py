"""The number of queries does not grow with what is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.services import audit_note
from hosts.models import Host
from hosts.services import host_tags_set
from netops.models import Change, Event
from netops.services import change_approve
from people.models import User
from people.services import token_issue
from policies.models import EnvironmentPolicy, FreezeWindow, Grant, WeeklyFreeze
from policies.services import grant_add, policy_save
from tests.pages import world
from tests.pages.host_example import observed

Browse = Callable[[str], Client]


def count(client: Client, path: str) -> int:
    """Return how many queries a page takes (the first request of a session also writes it)."""
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def grow(model: type, rows: list[object]) -> None:
    model._default_manager.bulk_create(rows)  # type: ignore[attr-defined]


@pytest.mark.parametrize("htmx", [False, True])
def test_it_lists_hosts_with_few_queries(
    browse: Browse, people: dict[str, User], htmx: bool
) -> None:
    client = browse("carol")
    client.defaults = {"HTTP_HX_REQUEST": "true"} if htmx else {}
    web = world.host("web-1")
    host_tags_set(user=people["admin"], host=web, tags=["all"])
    world.Story(web, people["alice"]).planned()
    few = count(client, "/")
    for number in range(40):
        other = world.host(f"host-{number}")
        world.Story(other, people["alice"])
        host_tags_set(user=people["admin"], host=other, tags=["all", f"t-{number}"])
        world.reserved(f"10.{number}.0.0/16", "x")
    assert count(client, "/") == few
    assert few <= (7 if htmx else 10)
    assert count(client, "/?sort=-conflicts&changes=yes&tag=all") == few
    # A search counts what it found itself.
    assert count(client, "/?sort=-conflicts&q=all") == few - 1


@pytest.mark.parametrize("htmx", [False, True])
def test_it_lists_changes_with_few_queries(
    browse: Browse, people: dict[str, User], htmx: bool
) -> None:
    client = browse("carol")
    client.defaults = {"HTTP_HX_REQUEST": "true"} if htmx else {}
    world.Story(world.host("web-1"), people["alice"])
    few = count(client, "/changes/")
    for number in range(40):
        asker = world.user(f"asker-{number}", "operator")
        world.Story(world.host(f"host-{number}"), asker)
    assert count(client, "/changes/") == few
    assert few <= (4 if htmx else 5)


def test_it_shows_a_change_with_few_queries(
    browse: Browse, people: dict[str, User], web: Host
) -> None:
    client = browse("carol")
    story = world.Story(web, people["alice"]).planned().judged(people["bob"]).began().did(2)
    path = f"/changes/{story.change.pk}/"
    few = count(client, path)
    first = story.change.last_seq + 1
    Event.objects.bulk_create(
        Event(change=story.change, seq=n, at=story.now, type="output", step=2, message=f"line {n}")
        for n in range(first, first + 2000)
    )
    Change.objects.update(last_seq=first + 1999)
    assert count(client, path) == few
    assert few <= 10


def test_it_shows_a_host_with_few_queries(browse: Browse, people: dict[str, User]) -> None:
    client = browse("carol")
    small = world.host("small", observed=observed(containers=0))
    world.story_succeeded(small, people["alice"], people["bob"])
    large = world.host("large", observed=observed(containers=200))
    for number in range(6):
        asker = world.user(f"asker-{number}", "operator")
        world.story_succeeded(large, asker, people["bob"])
        world.observation(large, f"Change {number}.")
    assert count(client, "/hosts/small/") == count(client, "/hosts/large/")


def test_it_needs_few_queries_for_the_form(browse: Browse, people: dict[str, User]) -> None:
    client = browse("alice")
    world.host("web-1")
    path = "/changes/new/?host=web-1"
    few = count(client, path)
    for number in range(30):
        world.host(f"host-{number}")
        world.reserved(f"10.{number}.0.0/16", "x")
    assert count(client, path) == few
    assert count(client, "/changes/new/size/?host=web-1&containers=5") <= 8


def test_it_shows_a_review_with_few_queries(
    browse: Browse, people: dict[str, User], web: Host
) -> None:
    group = Group.objects.create(name="dba")
    policy = policy_save(
        user=people["admin"],
        environment="production",
        approvals_needed=5,
        approver_group="dba",
        approvals_from_group=1,
        approve_granted_only=True,
    )
    grant_add(user=people["admin"], policy=policy, action="approve", group="dba")
    change = world.Story(web, people["alice"]).planned().change
    Change.objects.update(planned_at=change.created_at)
    client, path = browse("bob"), f"/changes/{change.pk}/"
    asked = world.user("asked-0", "approver")
    asked.groups.add(group)
    change_approve(user=asked, change=change, plan_digest=change.plan_digest)
    few = count(client, path)
    for number in range(1, 4):
        asked = world.user(f"asked-{number}", "approver")
        asked.groups.add(group)
        change_approve(user=asked, change=change, plan_digest=change.plan_digest)
    for number in range(20):
        world.user(f"approver-{number}", "approver").groups.add(group)
    assert count(client, path) == few
    assert few <= 17


@pytest.mark.parametrize(
    "path", ["/policies/", "/freezes/", "/groups/", "/policies/1/", "/groups/1/"]
)
def test_it_lists_policies_freezes_and_groups_with_few_queries(
    browse: Browse, people: dict[str, User], path: str
) -> None:
    def more(first: int, last: int) -> None:
        for number in range(first, last):
            group = Group.objects.create(name=f"group-{number}")
            policy = EnvironmentPolicy.objects.create(environment=f"env-{number}")
            Grant.objects.create(policy=policy, action="request", group=group)
            asker = world.user(f"asker-{number}", "operator")
            asker.groups.add(group, one)
            Grant.objects.create(policy=first_policy, action="request", user=asker)
            times = {"starts_at": now, "ends_at": now + timedelta(hours=1)}
            FreezeWindow.objects.create(reason="x", **times)
            WeeklyFreeze.objects.create(
                reason="x", from_weekday=1, from_time="01:00", to_weekday=2, to_time="01:00"
            )

    now = timezone.now()
    one = Group.objects.create(name="first")
    first_policy = EnvironmentPolicy.objects.create(
        environment="first", approver_group=one, approvals_from_group=1
    )
    path = path.replace("policies/1", f"policies/{first_policy.pk}").replace(
        "groups/1", f"groups/{one.pk}"
    )
    client = browse("admin")
    more(0, 1)
    few = count(client, path)
    more(1, 20)
    assert count(client, path) == few
    assert few <= 8


def test_it_lists_the_audit_log_with_few_queries(browse: Browse, people: dict[str, User]) -> None:
    client = browse("admin")
    audit_note(action="host.revoked", by="zoe", message="Revoked.", target="host:web-1")
    few = count(client, "/audit/")
    for number in range(45):
        target = f"change:{number}"
        audit_note(action=f"noun{number}.done", by=f"u{number}", message="x", target=target)
    assert count(client, "/audit/") == few
    assert few <= 5


def test_it_lists_tokens_with_few_queries(browse: Browse, people: dict[str, User]) -> None:
    client = browse("admin")
    token_issue(user=people["carol"])
    few = [count(client, path) for path in ("/tokens/", "/tokens/all/")]
    for number in range(40):
        token_issue(user=world.user(f"someone-{number}", "viewer"))
        token_issue(user=people["admin"])
    assert [count(client, path) for path in ("/tokens/", "/tokens/all/")] == few
    assert max(few) <= 4
