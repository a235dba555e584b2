"""The history: found, sorted, exported, repeated."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client

from audit import export
from netops.models import Change
from people.models import User
from tests.pages import world
from tests.pages.reading import fields, tags, targets, text
from tests.pages.test_audit import streamed

Browse = Callable[[str], Client]
People = dict[str, User]


@pytest.fixture
def three(people: People) -> list[int]:
    """A succeeded one on web-1, one that waits on db-1 (staging, asked by dan), a third of NAT."""
    web, db = world.host("web-1"), world.host("db-1", environment="staging")
    first = world.story_succeeded(web, people["alice"], people["bob"], reason="The Seoul office")
    spec = {"network": "bridge", "subnet": "10.99.0.0/24"}
    second = world.Story(db, people["dan"], spec=spec, reason="=HYPERLINK(1)").planned().change
    nat = {"subnet": "172.17.0.0/16", "masquerade": True, "exclude": [], "publish": []}
    third = Change.objects.create(
        host=web, kind="nat", spec=nat, reason="Egress", requested_by=people["alice"]
    )
    at = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    Change.objects.filter(pk=second.pk).update(created_at=at)
    return [first.pk, second.pk, third.pk]


def shown(client: Client, query: str) -> list[int]:
    rows = tags(client.get(f"/changes/?{query}"), "a")
    found = [a["id"].split("-")[1] for a in rows if a.get("id", "").endswith("-host")]
    return [int(pk) for pk in found]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", [2, 1, 0]),
        ("q=seoul", [0]),
        ("q=10.99", [1]),
        ("q=dan", [1]),
        ("q=web+alice", [2, 0]),
        ("q=web+staging", []),
        ("state=succeeded", [0]),
        ("kind=nat", [2]),
        ("environment=staging", [1]),
        ("host=web-1", [2, 0]),
        ("requester=dan", [1]),
        ("since=2026-03-01&until=2026-03-01", [1]),
        ("until=2026-02-28", []),
        ("sort=change", [0, 1, 2]),
        ("sort=host", [1, 2, 0]),
        ("sort=-host", [2, 0, 1]),
        ("sort=-requester", [1, 2, 0]),
        ("sort=nothing", [2, 1, 0]),
        ("until=9999-12-31", [2, 1, 0]),
    ],
)
def test_it_finds_and_sorts(
    browse: Browse, three: list[int], query: str, wanted: list[int]
) -> None:
    assert shown(browse("carol"), query) == [three[n] for n in wanted]


def test_it_finds_a_change_by_its_number(browse: Browse, three: list[int]) -> None:
    assert three[1] in shown(browse("carol"), f"q=%23{three[1]}")


@pytest.mark.parametrize("query", ["since=x", "q=%00", "since=2026-03-02&until=2026-03-01"])
def test_a_filter_that_says_nothing_sensible_leaves_nothing(
    browse: Browse, three: list[int], query: str
) -> None:
    client = browse("carol")
    assert shown(client, query) == []
    for kind in ("csv", "json"):
        assert client.get(f"/changes/export.{kind}?{query}").status_code == 422


def test_headings_sort_and_keep_the_filters(browse: Browse, three: list[int]) -> None:
    page = browse("carol").get("/changes/?kind=nat&sort=host&page=1")
    assert {"?kind=nat&sort=-host", "?kind=nat&sort=state"} <= targets(page)
    assert [th["aria-sort"] for th in tags(page, "th") if "aria-sort" in th] == ["ascending"]
    assert "/changes/export.csv?kind=nat&sort=host&page=1" in targets(page)


def test_it_exports_what_the_filters_leave(
    browse: Browse, three: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "CHUNK", 2)
    client = browse("carol")
    answer = client.get("/changes/export.json?sort=-host")
    assert answer.is_async
    assert "no-store" in answer["Cache-Control"]
    rows = json.loads(streamed(answer))
    assert [row["id"] for row in rows] == three
    assert (rows[0]["approved_by"], rows[0]["outage_s"]) == (["bob"], 2.1)
    assert rows[1]["requested_at"] == "2026-03-01T23:30:00Z"
    answer = client.get("/changes/export.csv?requester=dan")
    lines = list(csv.DictReader(io.StringIO(streamed(answer))))
    assert [line["id"] for line in lines] == [str(three[1])]
    # No spreadsheet may take a reason for a formula.
    assert lines[0]["reason"] == "'=HYPERLINK(1)"
    assert lines[0]["finished_at"] == ""


def test_it_offers_the_same_on_another_host(browse: Browse, three: list[int]) -> None:
    page = browse("alice").get("/changes/")
    path = f"/changes/new/?from={three[0]}&host="
    assert path in targets(page)
    form = browse("alice").get(path)
    assert fields(form)["host"] == ""
    assert fields(form)["subnet"] == world.NEW_SUBNET
    assert "The Seoul office" in text(form)
    other = fields(browse("alice").get(f"/changes/new/?from={three[0]}&host=db-1"))
    assert other["host"] == "db-1"
    assert fields(browse("alice").get(f"/changes/new/?from={three[0]}"))["host"] == "web-1"
    assert path not in targets(browse("carol").get("/changes/"))
    assert path in targets(browse("alice").get(f"/changes/{three[0]}/"))


def test_a_reader_may_only_look(browse: Browse, three: list[int]) -> None:
    page = browse("carol").get("/changes/", {"sort": "-when"})
    assert "/changes/new/" not in targets(page)


def test_filters_that_say_nothing_sensible_are_told_once(browse: Browse, three: list[int]) -> None:
    page = text(browse("carol").get("/changes/?since=2026-03-02&until=2026-03-01"))
    assert "The last day is before the first." in page
    assert "No change matches" not in page


def test_a_row_names_the_day_once_it_is_not_today(browse: Browse, three: list[int]) -> None:
    page = text(browse("carol").get("/changes/"))
    assert "2026-03-01" in page
    assert "just now" in page
