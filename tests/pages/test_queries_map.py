"""The number of queries of the map and of the check of a request does not grow with the fleet."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from hosts.models import Host
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


@pytest.mark.parametrize("kind", ["subnet", "nat"])
def test_it_checks_a_request_with_few_queries(
    browse: Browse, people: dict[str, User], kind: str
) -> None:
    client = browse("alice")
    subnet = "192.168.9.0/24" if kind == "subnet" else "172.17.0.0/16"
    path = f"/changes/new/check/?kind={kind}&host=web-1&mode=masquerade&subnet={subnet}"
    world.host("web-1", observed=observed(containers=2))
    few = count(client, path)
    Host.objects.all().delete()
    world.host("web-1", observed=observed(containers=60))
    for number in range(30):
        world.host(f"host-{number}", observed=observed(subnet=f"10.{number}.0.0/16"))
        world.reserved(f"10.{number}.0.0/17", "x")
    assert count(client, path) == few
    assert few <= 9
