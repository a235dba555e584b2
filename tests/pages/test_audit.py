"""The page of the audit log and its exports, for admins alone."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audit import export
from audit.models import Entry
from audit.origin import Origin, origin_set
from audit.services import audit_note
from people.models import User
from tests.pages.reading import tags, targets, text

Browse = Callable[[str], Client]
EXPORTS = ("/audit/export.csv", "/audit/export.json")
pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous")


def note(number: int = 1, **fields: Any) -> Entry:
    values = {"action": "host.revoked", "by": "zoe", "message": f"Act {number}."}
    with origin_set(Origin("page", "192.0.2.7")):
        return audit_note(**{**values, **fields})


def streamed(answer: Any) -> str:
    return b"".join(answer).decode()


@pytest.mark.parametrize("name", ["carol", "alice", "bob"])
def test_it_is_for_admins_alone(browse: Browse, name: str) -> None:
    note()
    client = browse(name)
    for answer in (client.get("/audit/"), *(client.post(path) for path in EXPORTS)):
        assert answer.status_code == 403
        assert "Only an admin reads the audit log." in text(answer)
        assert "Act 1" not in text(answer)
    assert "/audit/" not in targets(client.get("/"))
    assert Entry.objects.count() == 1


def test_it_sends_strangers_to_the_login(browse: Browse, db: None) -> None:
    client = browse("")
    for answer in (client.get("/audit/"), *(client.post(path) for path in EXPORTS)):
        assert answer["Location"].startswith("/login/?next=")
    assert not Entry.objects.exists()


def test_it_says_who_did_what_from_where(browse: Browse) -> None:
    note(
        target="change:12",
        data={"reason": "VPN", "plan_digest": "ab12", "groups": ["a", "b"], "mfa": True},
    )
    page = browse("admin").get("/audit/")
    words = text(page)
    for word in (
        "zoe",
        "Act 1.",
        "host.revoked",
        "change:12",
        "192.0.2.7",
        "Digest of the plan",
        "a, b",
        "yes",
    ):
        assert word in words
    found = targets(page)
    assert {"/changes/12/", "?by=zoe", "?action=host.revoked", "/audit/"} <= found


def test_it_shows_targets_that_have_no_page_as_words(browse: Browse) -> None:
    for target in ("host:not a slug", "change:x", "range:10.0.0.0/8", "host:", "odd"):
        note(target=target)
    page = browse("admin").get("/audit/")
    assert "range:10.0.0.0/8" in text(page)
    assert not [path for path in targets(page) if path.startswith(("/hosts/", "/changes/x"))]


def test_it_shows_hostile_words_as_words(browse: Browse) -> None:
    bad = '"><script>alert(1)</script>'
    note(by=bad, message=bad, target=f"host:{bad}", action=f"x.{bad}", data={bad: bad})
    page = browse("admin").get("/audit/", {"q": bad, "by": bad})
    assert bad in text(page)
    assert all("src" in script for script in tags(page, "script"))


def test_it_keeps_filters_and_page_in_the_url(browse: Browse) -> None:
    for number in range(51):
        note(number, target="host:web-1")
    note(99, by="yan", action="change.approved")
    client = browse("admin")
    page = client.get("/audit/", {"by": "zoe", "target": "host:web-1"})
    assert "1 to 50 of 51 entries" in text(page)
    assert "Act 99." not in text(page)
    second = client.get("/audit/?by=zoe&target=host:web-1&page=2")
    assert "Act 0." in text(second)
    assert "/audit/export.csv?by=zoe&target=host%3Aweb-1&page=2" in targets(second)
    assert "Act 99." in text(client.get("/audit/?action=change"))
    assert "No entry matches" in text(client.get("/audit/?q=nothing+like+this"))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("since=soon", "Enter a valid date."),
        ("since=2026-03-02&until=2026-03-01", "The last day is before the first."),
        ("q=%00", "Null characters are not allowed."),
    ],
)
def test_it_says_which_filter_is_wrong_and_exports_nothing(
    browse: Browse, query: str, message: str
) -> None:
    note()
    client = browse("admin")
    page = client.get(f"/audit/?{query}")
    assert message in text(page)
    assert "Act 1." not in text(page)
    for path in EXPORTS:
        answer = client.post(f"{path}?{query}")
        assert answer.status_code == 422
        assert message in text(answer)
    assert Entry.objects.count() == 1


def test_it_exports_what_the_filters_leave(browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "CHUNK", 2)
    for number in range(5):
        note(number, data={"n": number})
    note(9, by="yan")
    client = browse("admin")
    answer = client.post("/audit/export.json?by=zoe")
    assert answer["Content-Type"] == "application/json"
    assert "attachment" in answer["Content-Disposition"]
    assert "no-store" in answer["Cache-Control"]
    # Or the server would gather it whole before it sends the first byte.
    assert answer.is_async
    rows = json.loads(streamed(answer))
    assert [(row["message"], row["data"]) for row in rows] == [
        (f"Act {n}.", {"n": n}) for n in range(5)
    ]
    lines = list(csv.DictReader(io.StringIO(streamed(client.post("/audit/export.csv?by=zoe")))))
    assert [line["message"] for line in lines] == [row["message"] for row in rows]
    assert lines[3]["data"] == '{"n": 3}'
    assert lines[0]["at"] == rows[0]["at"]
    newest = Entry.objects.all()[:2]
    assert [(e.action, e.by) for e in newest] == [("audit.exported", "admin")] * 2
    assert newest[0].data == {"format": "csv", "filters": "by=zoe"}


def test_it_exports_nothing_as_an_empty_list(browse: Browse) -> None:
    client = browse("admin")
    assert json.loads(streamed(client.post("/audit/export.json"))) == []
    lines = streamed(client.post("/audit/export.csv?by=nobody")).splitlines()
    assert lines == [",".join(f'"{name}"' for name in export.COLUMNS)]


def test_it_exports_by_post_with_a_token_against_forgery(
    people: dict[str, User], browse: Browse
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(people["admin"])
    for path in EXPORTS:
        assert browse("admin").get(path).status_code == 405
        assert strict.post(path).status_code == 403
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "＠x"]
)
def test_it_leaves_no_formula_for_a_spreadsheet(text: str) -> None:
    assert export.cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["a=1", "10.0.0.1", "", " x", "{}", "web-1"])
def test_it_leaves_plain_words_alone(text: str) -> None:
    assert export.cell(text) == text
