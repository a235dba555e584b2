"""The number of queries of the map does not grow with the fleet."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from people.models import User
from tests.pages import world
from tests.pages.host_example import observed
from tests.pages.test_queries import count

Browse = Callable[[str], Client]


@pytest.mark.parametrize(
    "path",
    [
        "/map/",
        "/map/?in=10.0.0.0/8&size=24",
        "/map/hosts/?subnet=172.18.0.0/16&use=docker",
    ],
)
def test_it_shows_the_map_with_few_queries(
    browse: Browse, people: dict[str, User], path: str
) -> None:
    client = browse("admin")
    world.reserved("172.16.0.0/12", "x")
    world.host("web-1")
    few = count(client, path)
    for number in range(30):
        world.host(f"host-{number}", observed=observed(subnet=f"10.{number}.0.0/16"))
        world.reserved(f"10.{number}.0.0/17", "x")
    assert count(client, path) == few
    assert few <= 10
