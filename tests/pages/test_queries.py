"""The number of queries does not grow with what is shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from hosts.models import Host
from netops.models import Change, Event
from people.models import User
from tests.pages import world
from tests.pages.host_example import observed

Browse = Callable[[str], Client]


def count(client: Client, path: str) -> int:
    """Return how many queries a page takes."""
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
    world.Story(web, people["alice"]).planned()
    few = count(client, "/")
    for number in range(40):
        other = world.host(f"host-{number}")
        world.Story(other, people["alice"])
    assert count(client, "/") == few
    assert few <= 8


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
    assert few <= 4


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
    assert few <= 7


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
