"""The audit log over the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from audit.origin import Origin, origin_set
from audit.services import audit_note
from people.models import User
from tests.site.api_client import Api

pytestmark = pytest.mark.django_db
Call = Callable[[str], Api]
DAY = datetime(2026, 3, 1, tzinfo=UTC)


def entry(at: datetime, **fields: Any) -> Entry:
    """An entry of another day: the log itself sets the clock's."""
    values = {"action": "host.revoked", "by": "admin", "via": "page", "message": "Revoked."}
    made = Entry(**{**values, **fields})
    made.save_base(raw=False)
    assert made.pk
    return made


@pytest.fixture
def days(people: dict[str, User], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Three entries at the edges of days, of two people."""
    found = []
    for at, fields in (
        (DAY - timedelta(microseconds=1), {"by": "zoe", "target": "host:web-1"}),
        (DAY, {"by": "yan", "action": "change.approved", "target": "change:7"}),
        (
            DAY + timedelta(days=1),
            {"by": "zoe", "action": "change.rejected", "address": "192.0.2.7"},
        ),
    ):
        monkeypatch.setattr("django.utils.timezone.now", lambda at=at: at)
        found.append(entry(at, **fields).pk)
    monkeypatch.undo()
    return found


def test_it_shows_an_entry_as_it_was_noted(api: Call) -> None:
    with origin_set(Origin("api", "192.0.2.7")):
        made = audit_note(
            action="host.revoked", by="admin", message="Ü.", target="host:h1", data={"a": [1]}
        )
    shown = api("admin").get("/audit", action="host.revoked").json["items"][0]
    assert shown.pop("at").endswith("Z")
    assert shown == {
        "id": made.pk,
        "action": "host.revoked",
        "by": "admin",
        "via": "api",
        "address": "192.0.2.7",
        "target": "host:h1",
        "message": "Ü.",
        "data": {"a": [1]},
    }


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"by": "zoe"}, [2, 0]),
        ({"by": "zo"}, []),
        ({"action": "change.approved"}, [1]),
        ({"action": "change", "by": "zoe"}, [2]),
        ({"action": "chang"}, []),
        ({"target": "host:web-1"}, [0]),
        ({"q": "192.0.2"}, [2]),
        ({"q": "REVOKED", "by": "yan"}, [1]),
        ({"q": "%", "by": "yan"}, []),
        ({"since": "2026-03-01", "until": "2026-03-01"}, [1]),
        ({"until": "2026-02-28"}, [0]),
        ({"since": "2026-03-02", "until": "2026-03-02"}, [2]),
        ({"until": "9999-12-31", "by": "yan"}, [1]),
        ({"since": "0001-01-01", "by": "yan"}, [1]),
        ({"since": "9999-12-31"}, []),
    ],
)
def test_it_narrows_the_list(
    api: Call, days: list[int], query: dict[str, str], wanted: list[int]
) -> None:
    answer = api("admin").get("/audit", **query).json
    assert [item["id"] for item in answer["items"]] == [days[n] for n in wanted]
    assert answer["count"] == len(wanted)


def test_it_gives_what_is_new_since_an_entry(api: Call, days: list[int]) -> None:
    admin = api("admin")
    first = admin.get("/audit", page_size=1).json
    assert first["count"] == Entry.objects.count()
    newest = first["items"][0]["id"]
    assert admin.get("/audit", after=newest).json["items"] == []
    made = audit_note(action="host.revoked", by="admin", message="Revoked.")
    audit_note(action="host.revoked", by="admin", message="Revoked again.")
    later = admin.get("/audit", after=newest, page_size=1).json
    assert ([item["id"] for item in later["items"]], later["count"]) == ([made.pk], 2)
    assert admin.get("/audit", after=0, page_size=1).json["items"][0]["id"] < newest


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"until": "2026-02-30"}, "until"),
        ({"q": "a\x00b"}, "q"),
        ({"by": "x" * 151}, "by"),
        ({"after": "-1"}, "after"),
        ({"after": str(2**63)}, "after"),
        ({"page_size": "1000"}, "page_size"),
    ],
)
def test_it_refuses_bad_filters(api: Call, query: dict[str, str], field: str) -> None:
    answer = api("admin").get("/audit", **query)
    assert (answer.status, answer.problems) == (422, [(field, "invalid")])


def test_it_needs_the_same_queries_for_any_length(api: Call) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert admin.get("/audit", page_size=200).status == 200
        return len(queries)

    admin = api("admin")
    admin.get("/me")
    few = count()
    for number in range(60):
        audit_note(action="host.revoked", by=f"someone-{number}", message="Revoked.")
    assert count() == few
    assert few <= 3
