"""The list of all hosts: filters and sorting by its address, conflicts, tags, what is news."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from django.core.cache import caches
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from audit.models import Entry
from hosts.models import Host, Tag
from hosts.services import (
    host_tags_set,
    observation_store,
    reserved_range_add,
    reserved_range_edit,
    reserved_range_remove,
)
from people.errors import Forbidden, InvalidInput
from people.models import User
from tests.pages import world
from tests.pages.host_example import observed
from tests.pages.reading import text

Browse = Callable[[str], Client]
HX = {"HX-Request": "true"}


@pytest.fixture
def fleet(people: dict[str, User]) -> dict[str, Host]:
    """a: tagged, with a change; b: in conflict, offline, another Docker; c: never seen."""
    world.reserved("10.99.0.0/16", "VPN")
    made = {"a": world.host("a")}
    far = observed(subnet="10.99.3.0/24", containers=1)
    far = evolve(far, daemon=evolve(far.daemon, version="27.5.1"))
    made["b"] = world.host("b", observed=far, online=False)
    made["c"] = world.host("c", enrolled_at=None, observed=None, last_seen_at=None)
    host_tags_set(user=people["admin"], host=made["a"], tags=["gpu", "shop"])
    world.Story(made["a"], people["alice"]).planned()
    return made


def listed(answer: Any) -> list[str]:
    """Return the names of the hosts of a page, in its order."""
    return re.findall(r'<th scope="row".*?href="/hosts/([^/]+)/"', answer.content.decode())


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("tag=gpu", "a"),
        ("q=shop", "a"),
        ("q=GPU+a", "a"),
        ("q=gpu+b", ""),
        ("docker=27.5.1", "b"),
        ("conflicts=yes", "b"),
        ("conflicts=no", "ac"),
        ("conflicts=perhaps", ""),
        ("changes=yes", "a"),
        ("changes=no", "bc"),
        ("tag=gpu&docker=27.5.1", ""),
        ("tag=%00", ""),
        ("sort=-host", "cba"),
        ("sort=status", "abc"),
        ("sort=docker0", "cba"),
        ("sort=-docker0", "abc"),
        ("sort=-containers", "abc"),
        ("sort=-conflicts", "bca"),
        ("sort=-change", "acb"),
        ("sort=-docker", "bac"),
        ("sort=-seen", "abc"),
        ("sort=seen", "cba"),
        ("sort=nonsense", "abc"),
        ("size=7&page=x", "abc"),
    ],
)
def test_it_filters_and_sorts(
    browse: Browse, fleet: dict[str, Host], query: str, names: str
) -> None:
    assert listed(browse("carol").get(f"/?{query}")) == list(names)


def test_its_headings_sort_and_say_so(browse: Browse, fleet: dict[str, Host]) -> None:
    page = browse("carol").get("/?tag=gpu&sort=-containers").content.decode()
    assert '<th scope="col" aria-sort="descending" class="num">' in page
    assert 'href="?tag=gpu&amp;sort=containers"' in page
    assert page.count("aria-sort") == 1
    assert '<input type="hidden" name="sort" value="-containers">' in page


def test_it_has_pages_of_a_chosen_size(browse: Browse, people: dict[str, User]) -> None:
    Host.objects.bulk_create(Host(id=f"{n:012x}", name=f"h-{n:03}") for n in range(120))
    page = browse("carol").get("/?size=100&page=2")
    assert len(listed(page)) == 20
    assert 'href="?size=200"' in page.content.decode()
    assert len(listed(browse("carol").get("/?size=100000"))) == 50


def test_it_answers_nothing_until_there_is_news(
    browse: Browse, fleet: dict[str, Host], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = browse("carol")
    part = client.get("/?sort=host", headers=HX).content.decode()
    path = part.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    Host.objects.filter(name="a").update(last_seen_at=timezone.now() + timedelta(seconds=2))
    assert client.get(path, headers=HX).status_code == 204
    with django_assert_num_queries(2):  # session, person: what the list is was just asked
        assert client.get(path, headers=HX).status_code == 204
    assert client.get(path).status_code == 200
    Host.objects.filter(name="a").update(container_count=99)
    caches["memory"].clear()
    answer = client.get(path, headers=HX)
    assert answer.status_code == 200
    assert "known=" not in answer.content.decode().split("<thead>")[1]


def test_it_counts_conflicts_when_ranges_change(
    people: dict[str, User], fleet: dict[str, Host]
) -> None:
    def counts() -> list[int]:
        return list(Host.objects.order_by("name").values_list("conflict_count", flat=True))

    admin = people["admin"]
    assert counts() == [0, 1, 0]
    row = reserved_range_add(user=admin, subnet="172.17.128.0/17", label="Office")
    assert counts() == [1, 1, 0]
    reserved_range_edit(user=admin, pk=row.pk, subnet="192.168.0.0/16", label="Office")
    assert counts() == [0, 1, 0]
    reserved_range_edit(user=admin, pk=row.pk, subnet="172.16.0.0/12", label="Office")
    # docker0 and another network of Docker's.
    assert counts() == [2, 2, 0]
    reserved_range_remove(user=admin, pk=row.pk)
    assert counts() == [0, 1, 0]


def test_it_counts_conflicts_of_what_is_reported(fleet: dict[str, Host]) -> None:
    observation_store(host=fleet["a"], observed=observed(subnet="10.99.0.0/24"), cause="changed")
    kept = Host.objects.get(name="a")
    assert (kept.conflict_count, kept.subnet) == (1, "10.99.0.0/24")
    assert kept.subnet_start == 0x0A630000


def test_it_says_how_many_conflicts_a_host_has(browse: Browse, fleet: dict[str, Host]) -> None:
    assert "1 conflict" in text(browse("carol").get("/?q=b"))
    assert "conflict " not in text(browse("carol").get("/?q=gpu"))


def test_an_admin_tags_a_host(browse: Browse, fleet: dict[str, Host]) -> None:
    answer = browse("admin").post("/hosts/a/tags/", {"tags": "Shop, 서울 eu-1"})
    assert answer.status_code == 302
    assert list(fleet["a"].tags.values_list("name", flat=True)) == ["eu-1", "shop", "서울"]
    assert not Tag.objects.filter(name="gpu").exists()
    entry = Entry.objects.get(action="host.tagged", data__before=["gpu", "shop"])
    assert (entry.target, entry.data["after"]) == ("host:a", ["eu-1", "shop", "서울"])
    assert listed(browse("carol").get("/?tag=서울")) == ["a"]
    browse("admin").post("/hosts/a/tags/", {"tags": ""})
    assert not Tag.objects.exists()


@pytest.mark.parametrize("tags", ["a<b", "-x", "x" * 31, " ".join(map(str, range(11)))])
def test_it_refuses_what_is_no_tag(browse: Browse, fleet: dict[str, Host], tags: str) -> None:
    entries = Entry.objects.count()
    assert browse("admin").post("/hosts/a/tags/", {"tags": tags}).status_code == 422
    assert list(fleet["a"].tags.values_list("name", flat=True)) == ["gpu", "shop"]
    answer = browse("admin").post("/add-host/", {"name": "new-1", "tags": tags})
    assert answer.status_code == 422
    assert not Host.objects.filter(name="new-1").exists()
    assert (Entry.objects.count(), Tag.objects.count()) == (entries, 2)


def test_only_an_admin_tags(people: dict[str, User], fleet: dict[str, Host]) -> None:
    with pytest.raises(Forbidden):
        host_tags_set(user=people["bob"], host=fleet["a"], tags=[])
    with pytest.raises(InvalidInput):
        host_tags_set(user=people["admin"], host=fleet["a"], tags=["ok", ""])
    assert fleet["a"].tags.count() == 2
