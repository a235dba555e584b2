"""A host's history tells what changed outside Dockernet, and can be narrowed to that."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from people.models import User
from tests.pages import world
from tests.pages.reading import targets, text
from tests.pages.test_queries import count

Browse = Callable[[str], Client]
MOVED = "docker0: 172.17.0.1/16 → 10.1.0.1/24."


def test_it_marks_what_changed_outside_and_narrows_to_it(
    browse: Browse, people: dict[str, User]
) -> None:
    host = world.host("web-1")
    change = world.Story(host, people["alice"]).planned().change
    world.observation(host, f"{MOVED}\nContainer a is new.", facts=MOVED, origin="outside")
    back = "docker0: 10.1.0.1/24 → 172.17.0.1/16."
    world.observation(host, back, facts=back, origin="change", change_id=change.pk)
    client = browse("carol")
    for path in ("/hosts/web-1/", "/hosts/web-1/history/"):
        page = client.get(path)
        assert text(page).count(MOVED) == 1
        assert "Changed outside Dockernet" in text(page)
        assert f"/changes/{change.pk}/" in targets(page)
    only = text(client.get("/hosts/web-1/history/?only=outside"))
    assert MOVED in only
    assert "Container a is new." in only
    assert back not in only


@pytest.mark.parametrize("query", ["", "?only=outside"])
def test_it_shows_history_with_few_queries(browse: Browse, query: str) -> None:
    host, client = world.host("web-1"), browse("carol")
    world.observation(host, MOVED, facts=MOVED, origin="outside")
    few = count(client, f"/hosts/web-1/history/{query}")
    for _ in range(25):
        world.observation(host, MOVED, facts=MOVED, origin="outside", change_id=None)
    assert count(client, f"/hosts/web-1/history/{query}") == few
