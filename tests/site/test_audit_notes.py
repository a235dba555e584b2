"""Each act is written down with who did it, to what and from where; what was refused is not."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from audit.models import Entry
from dockernet_site.broker import EmbeddedBroker
from hosts.models import Host, ReservedRange
from hosts.services import host_create
from netops.models import Change
from netops.states import State
from people.models import User
from people.services import token_issue, token_revoke, user_save
from tests.site.api_client import Api
from tests.site.rows import SPEC, change_row, host_row

pytestmark = pytest.mark.django_db
Call = Callable[[str], Api]


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with one small wheel in the place of the real ones."""
    with zipfile.ZipFile(tmp_path / "thing-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("thing/__init__.py", "name = 'thing'\n")
    monkeypatch.setenv("DOCKERNET_AGENT_WHEELS", str(tmp_path))


@pytest.fixture
def mark(people: dict[str, User]) -> int:
    """Making the people is written down too; the tests look at what comes after."""
    newest = Entry.objects.first()
    return newest.pk if newest else 0


def said(mark: int) -> list[tuple[str, str, str]]:
    """Action, who and target of what was noted, oldest first, without the tokens of the tests."""
    entries = Entry.objects.filter(pk__gt=mark).exclude(action="token.made").order_by("pk")
    return [(entry.action, entry.by, entry.target) for entry in entries]


def last() -> Entry:
    entry = Entry.objects.first()
    assert entry is not None
    return entry


def test_it_notes_what_becomes_of_a_host(api: Call, mark: int) -> None:
    admin = api("admin")
    assert admin.post("/hosts", {"name": "web-1"}).status == 201
    assert said(mark) == [("host.registered", "admin", "host:web-1")]
    assert (last().via, last().address) == ("api", "127.0.0.1")
    client = Client()
    client.force_login(User.objects.get(username="admin"))
    client.post("/hosts/web-1/enrol/")
    assert said(mark)[1:] == [("host.line_renewed", "admin", "host:web-1")]
    assert last().via == "page"


def test_it_notes_that_a_host_enrolled_and_was_revoked(
    wheels: None, broker: EmbeddedBroker, api: Call, people: dict[str, User], mark: int
) -> None:
    _, command = host_create(user=people["admin"], name="web-1")
    header = {"authorization": f"Bearer {command.split()[-1]}"}
    assert Client().post("/enroll/redeem", headers=header).status_code == 200
    assert (last().action, last().by, last().via) == ("host.enrolled", "web-1", "host")
    assert last().address == "127.0.0.1"
    assert api("admin").post("/hosts/web-1/revoke").status == 200
    assert said(mark)[-1] == ("host.revoked", "admin", "host:web-1")
    before = Entry.objects.exclude(action="token.made").count()
    assert api("bob").post("/hosts/web-1/revoke").status == 403
    assert Client().post("/enroll/redeem", headers=header).status_code == 403
    assert Entry.objects.exclude(action="token.made").count() == before


def test_it_notes_nothing_of_an_enrolment_that_failed(
    wheels: None, people: dict[str, User], mark: int, settings: Any
) -> None:
    host, command = host_create(user=people["admin"], name="web-1")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    header = {"authorization": f"Bearer {command.split()[-1]}"}
    assert Client().post("/enroll/redeem", headers=header).status_code == 503
    assert said(mark) == [("host.registered", "admin", "host:web-1")]
    assert Host.objects.get(pk=host.pk).enrolled_at is None


def test_it_notes_reserved_ranges(api: Call, mark: int) -> None:
    made = api("admin").post("/reserved-ranges", {"subnet": "10.8.0.0/16", "label": "VPN"})
    api("admin").send("DELETE", f"/reserved-ranges/{made.json['id']}")
    target = "range:10.8.0.0/16"
    assert said(mark) == [("range.reserved", "admin", target), ("range.freed", "admin", target)]
    assert api("admin").send("DELETE", "/reserved-ranges/99").status == 404
    assert (
        api("bob").post("/reserved-ranges", {"subnet": "10.8.0.0/16", "label": "x"}).status == 403
    )
    assert len(said(mark)) == 2
    assert not ReservedRange.objects.exists()


def test_it_notes_what_people_do_with_a_change(
    api: Call, people: dict[str, User], mark: int
) -> None:
    host = host_row("web-1")
    body = {"host": "web-1", "kind": "subnet", "spec": SPEC, "reason": "VPN"}
    number = api("alice").post("/changes", body).json["id"]
    assert said(mark) == [("change.requested", "alice", f"change:{number}")]
    assert last().data == {"kind": "subnet", "reason": "VPN"}
    api("alice").post(f"/changes/{number}/withdraw")
    waiting = change_row(host, people["alice"], State.AWAITING_APPROVAL)
    refused = {"plan_digest": waiting.plan_digest}
    assert api("alice").post(f"/changes/{waiting.pk}/approve", refused).status == 403
    api("bob").post(f"/changes/{waiting.pk}/reject", {"comment": "Not today."})
    stale = change_row(host, people["alice"], State.STALE)
    api("alice").post(f"/changes/{stale.pk}/replan")
    assert said(mark)[1:] == [
        ("change.withdrawn", "alice", f"change:{number}"),
        ("change.rejected", "bob", f"change:{waiting.pk}"),
        ("change.replanned", "alice", f"change:{stale.pk}"),
    ]
    rejected = Entry.objects.get(action="change.rejected")
    assert rejected.data == {"plan_digest": waiting.plan_digest, "comment": "Not today."}
    assert rejected.message == f"bob rejected the plan of change {waiting.pk} on web-1."


def test_it_notes_which_plan_was_approved(api: Call, people: dict[str, User], mark: int) -> None:
    waiting = change_row(host_row("web-1"), people["alice"], State.AWAITING_APPROVAL)
    body = {"plan_digest": "another"}
    assert api("bob").post(f"/changes/{waiting.pk}/approve", body).status == 409
    assert said(mark) == []
    body = {"plan_digest": waiting.plan_digest}
    assert api("bob").post(f"/changes/{waiting.pk}/approve", body).status == 200
    assert said(mark) == [("change.approved", "bob", f"change:{waiting.pk}")]
    assert last().data == {"plan_digest": waiting.plan_digest}


def test_it_notes_people_and_their_roles(people: dict[str, User], mark: int) -> None:
    user_save(name="zoe", role="viewer", password="a long one", by="root (shell)")
    user_save(name="zoe", role="viewer")
    user_save(name="zoe", role="admin")
    user_save(name="zoe", role="admin", password="another one")
    assert said(mark) == [
        ("user.made", "root (shell)", "user:zoe"),
        ("user.role_changed", "dockernet", "user:zoe"),
        ("user.password_changed", "dockernet", "user:zoe"),
    ]
    assert Entry.objects.get(action="user.role_changed").data == {"from": "viewer", "to": "admin"}
    assert "another one" not in str(list(Entry.objects.values()))


def test_it_notes_tokens_without_the_token(people: dict[str, User], mark: int) -> None:
    token = token_issue(user=people["carol"], label="deploy")
    made = last()
    assert (made.action, made.by, made.target) == ("token.made", "carol", "user:carol")
    assert made.message == "carol made their own API token “deploy”."
    assert token_revoke(user=people["admin"], pk=made.data["token"]) is not None
    assert last().message == "admin revoked carol's API token “deploy”."
    assert token not in str(list(Entry.objects.values()))


def test_it_forgets_what_was_taken_back_with_its_transaction(
    people: dict[str, User], mark: int
) -> None:
    def fail() -> None:
        with transaction.atomic():
            user_save(name="zoe", role="viewer")
            raise RuntimeError("the rest did not work")

    with pytest.raises(RuntimeError):
        fail()
    assert said(mark) == []
    assert not User.objects.filter(username="zoe").exists()
    assert not Change.objects.exists()
