"""Who sees and does what. Refusals also show that nothing changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from hosts.models import Host, ReservedRange
from netops.models import Change
from people.models import User
from tests.pages import world
from tests.pages.reading import targets, text

Browse = Callable[[str], Client]
READ = (
    "/",
    "/hosts/web-1/",
    "/hosts/web-1/history/",
    "/changes/",
    "/changes/1/",
    "/map/",
    "/map/hosts/?subnet=172.17.0.0/16&use=docker0",
    "/policies/",
    "/freezes/",
    "/groups/",
    "/tokens/",
    "/work/",
    "/account/notifications/",
)
ACTIONS = (
    "approve",
    "reject",
    "withdraw",
    "cancel",
    "confirm",
    "replan",
    "revert",
    "accept",
)
ADMIN_ONLY = (
    "/add-host/",
    "/hosts/web-1/revoke/",
    "/hosts/web-1/rotate/",
    "/policies/new/",
    "/policies/default/",
)


@pytest.fixture
def change(people: dict[str, User], web: Host) -> Change:
    return world.Story(web, people["alice"]).planned().change


def _at(path: str, change: Change) -> str:
    return path.replace("/changes/1/", f"/changes/{change.pk}/")


@pytest.mark.parametrize("path", [*READ, *ADMIN_ONLY, "/changes/new/", "/changes/new/size/"])
def test_it_sends_strangers_to_the_login(browse: Browse, change: Change, path: str) -> None:
    answer = browse("").get(_at(path, change))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/?next=")


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize("name", ["carol", "alice", "bob", "admin"])
def test_it_shows_everybody_what_is_there(
    browse: Browse, change: Change, path: str, name: str
) -> None:
    assert browse(name).get(_at(path, change)).status_code == 200


@pytest.mark.parametrize("path", ADMIN_ONLY)
@pytest.mark.parametrize("name", ["carol", "alice", "bob"])
def test_it_keeps_admin_pages_to_admins(
    browse: Browse, change: Change, path: str, name: str
) -> None:
    client = browse(name)
    for answer in (client.get(path), client.post(path, {"name": "web-9"})):
        assert answer.status_code == 403
        assert "You may not do that" in text(answer)
    assert Host.objects.get().revoked_at is None


def test_it_offers_a_viewer_nothing_to_do(browse: Browse, change: Change) -> None:
    client = browse("carol")
    found = targets(client.get(f"/changes/{change.pk}/")) | targets(client.get("/hosts/web-1/"))
    found = {path for path in found if not path.startswith("/help/terms/")}
    forbidden = (
        "approve",
        "reject",
        "withdraw",
        "cancel",
        "confirm",
        "replan",
        "revert",
        "/new/",
        "revoke",
        "break-glass",
    )
    assert not [path for path in found if any(word in path for word in forbidden)]


@pytest.mark.parametrize("action", ACTIONS)
def test_it_refuses_a_viewer_every_action(browse: Browse, change: Change, action: str) -> None:
    before = (change.state, change.last_seq)
    data = {"plan_digest": change.plan_digest, "comment": "no", "accept": "removes-container"}
    answer = browse("carol").post(f"/changes/{change.pk}/{action}/", data)
    assert answer.status_code == 403
    change.refresh_from_db()
    assert (change.state, change.last_seq) == before
    assert Change.objects.count() == 1


def test_it_refuses_a_viewer_the_request_form(browse: Browse, web: Host) -> None:
    client = browse("carol")
    data = {"kind": "subnet", "host": "web-1", "subnet": "10.9.0.0/24", "reason": "x"}
    assert client.get("/changes/new/").status_code == 403
    assert client.post("/changes/new/", data).status_code == 403
    assert not Change.objects.exists()


def test_it_refuses_range_edits_below_admin(browse: Browse) -> None:
    kept = world.reserved("10.8.0.0/16", "VPN")
    client = browse("bob")
    assert client.post("/ranges/", {"subnet": "10.9.0.0/16", "label": "x"}).status_code == 403
    assert client.post(f"/ranges/{kept.pk}/remove/").status_code == 403
    assert [str(r) for r in ReservedRange.objects.all()] == ["10.8.0.0/16 (VPN)"]


def test_it_does_nothing_on_get(browse: Browse, change: Change) -> None:
    for action in ACTIONS:
        assert browse("admin").get(f"/changes/{change.pk}/{action}/").status_code == 405
    assert browse("admin").get("/hosts/web-1/refresh/").status_code == 405
    assert browse("admin").get("/logout/").status_code == 405


def test_it_asks_for_a_token_against_forgery(people: dict[str, User], change: Change) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people["bob"])
    digest = {"plan_digest": change.plan_digest}
    answer = client.post(f"/changes/{change.pk}/approve/", digest)
    assert answer.status_code == 403
    assert "Please try again" in text(answer)
    change.refresh_from_db()
    assert change.state == "awaiting_approval"


def test_it_logs_in_and_out(browse: Browse, people: dict[str, User]) -> None:
    client = browse("")
    wrong = client.post("/login/", {"username": "alice", "password": "wrong"})
    assert "correct" in text(wrong)
    assert 'value="alice"' in wrong.content.decode()
    answer = client.post("/login/?next=/changes/", {"username": "alice", "password": "alice"})
    assert answer["Location"] == "/changes/"
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/").status_code == 302


def test_it_says_what_is_missing(browse: Browse) -> None:
    for path in ("/hosts/nobody/", "/changes/99/", "/nowhere/", "/changes/99/live/"):
        answer = browse("carol").get(path)
        assert answer.status_code == 404
        assert "There is no such page" in text(answer)
