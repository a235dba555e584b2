"""Logging in: who gets in, who does not, and what the audit log says of it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from audit.models import Entry
from audit.origin import client_address
from netops.models import Change
from people.models import ApiToken, User
from people.services import token_issue, user_save
from tests.pages import world
from tests.pages.reading import text

Browse = Callable[[str], Client]
TOO_MANY = "Too many tries"


def log_in(client: Client, name: str, password: str = "", **extra: str) -> str:
    """Try to log in; return "" if it worked, the page's text otherwise."""
    data = {"username": name, "password": password or name}
    answer = client.post("/login/", data, **extra)  # type: ignore[arg-type]
    return "" if answer.status_code == 302 else text(answer)


def noted(action: str) -> list[tuple[str, str]]:
    return list(Entry.objects.filter(action=action).order_by("id").values_list("by", "address"))


def logged_in(client: Client) -> bool:
    return client.get("/tokens/").status_code == 200


def test_it_notes_who_comes_and_goes(people: dict[str, User]) -> None:
    client = Client(REMOTE_ADDR="192.0.2.7")
    assert "not correct" in log_in(client, "alice", "wrong")
    assert not logged_in(client)
    assert log_in(client, "alice") == ""
    client.post("/logout/")
    assert not logged_in(client)
    for action in ("user.logged_in", "user.logged_out"):
        assert noted(action) == [("alice", "192.0.2.7")]
    # Who knows no password may be anybody: alice is whom it was aimed at.
    assert noted("user.login_failed") == [("(unknown)", "192.0.2.7")]
    assert Entry.objects.get(action="user.login_failed").target == "user:alice"


def test_it_keeps_no_password_that_was_typed_as_a_name(people: dict[str, User]) -> None:
    log_in(Client(), "hunter2! is my secret", "alice")
    assert noted("user.login_failed") == [("(unknown)", "127.0.0.1")]
    assert Entry.objects.get(action="user.login_failed").target == "user:(not a name)"


def test_it_throttles_a_name_whatever_else_changes(people: dict[str, User]) -> None:
    for number in range(5):
        where = {"REMOTE_ADDR": f"192.0.2.{number}", "HTTP_HOST": f"localhost:{8000 + number}"}
        assert "not correct" in log_in(Client(), "alice", "wrong", **where)
    for _ in range(2):
        client = Client(REMOTE_ADDR="192.0.2.9", HTTP_HOST="localhost:9009")
        assert TOO_MANY in log_in(client, "alice")
        assert not logged_in(client)
    assert len(noted("user.login_failed")) == 5
    assert noted("user.login_throttled") == [("(unknown)", "192.0.2.9")]
    assert log_in(Client(), "bob") == ""


def test_it_throttles_an_address_whatever_it_claims(people: dict[str, User]) -> None:
    for number in range(10):
        claim = {"HTTP_X_FORWARDED_FOR": f"198.51.100.{number}"}
        assert "not correct" in log_in(Client(), f"guess{number}", **claim)
    client = Client(HTTP_X_FORWARDED_FOR="198.51.100.99")
    assert TOO_MANY in log_in(client, "alice")
    assert not logged_in(client)
    assert log_in(Client(REMOTE_ADDR="192.0.2.1"), "alice") == ""


def test_it_answers_a_flood_with_429_and_one_note(people: dict[str, User]) -> None:
    for _ in range(30):
        assert Client().post("/login/", {"username": "alice"}).status_code == 200
    for _ in range(3):
        client = Client()
        answer = client.post("/login/", {"username": "alice", "password": "alice"})
        assert answer.status_code == 429
        assert TOO_MANY in text(answer)
        assert not logged_in(client)
    assert noted("user.login_throttled") == [("(unknown)", "127.0.0.1")]


@pytest.mark.parametrize(
    ("proxies", "header", "address"),
    [
        (0, "203.0.113.5", "192.0.2.1"),
        (1, "203.0.113.5", "203.0.113.5"),
        (1, "198.51.100.1, 203.0.113.5", "203.0.113.5"),
        (2, "198.51.100.1, 203.0.113.5, 10.0.0.2", "203.0.113.5"),
        (2, "203.0.113.5", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "<script>", "192.0.2.1"),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_it_believes_proxies_of_ours_alone(
    settings: Settings, proxies: int, header: str, address: str
) -> None:
    settings.DOCKERNET_TRUSTED_PROXIES = proxies
    settings.DOCKERNET_PROXY_ADDRESSES = (ip_network("192.0.2.0/31"),)
    given = {"HTTP_X_FORWARDED_FOR": header} if header else {}
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", **given)  # type: ignore[arg-type]
    assert client_address(request) == address


@pytest.mark.parametrize("peer", ["192.0.2.2", "::1", "no address", ""])
def test_it_believes_nobody_who_is_no_proxy_of_ours(settings: Settings, peer: str) -> None:
    settings.DOCKERNET_TRUSTED_PROXIES = 1
    settings.DOCKERNET_PROXY_ADDRESSES = (ip_network("192.0.2.0/31"),)
    claim = {"HTTP_X_FORWARDED_FOR": "203.0.113.5"}
    request = RequestFactory().get("/", REMOTE_ADDR=peer, **claim)  # type: ignore[arg-type]
    assert client_address(request) == (peer or "unknown")


@pytest.mark.parametrize(
    ("peer", "status"), [("192.0.2.1", 200), ("::ffff:192.0.2.1", 200), ("192.0.2.2", 301)]
)
def test_it_hears_from_proxies_of_ours_alone_that_it_was_https(
    db: None, settings: Settings, peer: str, status: int
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    settings.DOCKERNET_PROXY_ADDRESSES = (ip_network("192.0.2.0/31"),)
    client = Client(REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO="https")
    assert client.get("/login/").status_code == status


def test_it_throws_out_at_once_who_is_switched_off(people: dict[str, User]) -> None:
    client = Client()
    log_in(client, "alice")
    assert logged_in(client)
    User.objects.filter(username="alice").update(is_active=False)
    assert not logged_in(client)
    assert client.get("/")["Location"].startswith("/login/")
    wrong = log_in(Client(), "alice", "wrong")
    assert log_in(client, "alice") == wrong
    assert len(noted("user.login_failed")) == 2
    assert not logged_in(client)


def test_it_gives_a_new_session_at_log_in_and_forgets_it_at_log_out(
    people: dict[str, User],
) -> None:
    client = Client()
    client.get("/login/")
    client.session.save()
    planted = client.session.session_key or ""
    client.cookies["sessionid"] = planted
    log_in(client, "alice")
    held = client.cookies["sessionid"].value
    assert held not in ("", planted)
    client.post("/logout/")
    client.cookies["sessionid"] = held
    assert not logged_in(client)


def test_it_ends_a_session_that_only_an_open_page_uses(
    people: dict[str, User], monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    clock = [1_800_000_000.0]
    monkeypatch.setattr("people.sessions.time.time", lambda: clock[0])
    client = Client()
    log_in(client, "alice")
    assert logged_in(client)
    seen = client.session["session_seen"]
    clock[0] += 3600
    client.get("/", headers={"HX-Request": "true"})
    assert client.session["session_seen"] == seen
    assert logged_in(client)
    assert client.session["session_seen"] == clock[0]
    clock[0] += settings.SESSION_LONGEST_S - 3599
    assert not logged_in(client)


@pytest.mark.parametrize(
    "path",
    ["/signup/", "/password/reset/", "/email/", "/login/social/callback/", "/accounts/signup/"],
)
def test_it_has_no_way_to_make_an_account(people: dict[str, User], path: str) -> None:
    data = {"username": "mallory", "password1": "a long one 1", "email": "m@example.com"}
    for answer in (Client().get(path), Client().post(path, data)):
        assert answer.status_code in (404, 405)
    assert not User.objects.filter(username="mallory").exists()


def test_it_sends_nobody_elsewhere_after_the_log_in(people: dict[str, User]) -> None:
    data = {"username": "alice", "password": "alice", "next": "https://evil.example/"}
    answer = Client().post("/login/?next=//evil.example/", data)
    assert answer["Location"] == "/"


def test_it_changes_a_password_and_ends_the_other_sessions(people: dict[str, User]) -> None:
    here, elsewhere = Client(), Client()
    log_in(here, "alice")
    log_in(elsewhere, "alice")
    new = "a Long one 72"
    for old, first, second in (
        ("wrong", new, new),
        ("alice", new, "another 71 one"),
        ("alice", "alice123", "alice123"),
    ):
        data = {"oldpassword": old, "password1": first, "password2": second}
        assert here.post("/account/password/", data).status_code == 200
        assert people["alice"].check_password("alice")
    data = {"oldpassword": "alice", "password1": new, "password2": new}
    assert here.post("/account/password/", data).status_code == 302
    assert logged_in(here)
    assert not logged_in(elsewhere)
    assert noted("user.password_changed") == [("alice", "127.0.0.1")]
    assert log_in(elsewhere, "alice", new) == ""


def test_it_has_no_password_to_change_for_a_script(people: dict[str, User]) -> None:
    people["carol"].set_unusable_password()
    people["carol"].save()
    client = Client()
    client.force_login(people["carol"])
    assert client.get("/account/password/").status_code == 403
    assert Client().get("/account/password/")["Location"].startswith("/login/")
    assert not Change.objects.exists()


def test_it_ends_the_tokens_of_the_page_with_a_new_password(people: dict[str, User]) -> None:
    for name in ("alice", "bob"):
        token_issue(user=people[name], label="from the page", from_page=True)
    token_issue(user=people["alice"], label="manage user", by="root (shell)")
    client, new = Client(), "a Long one 72"
    log_in(client, "alice")
    data = {"oldpassword": "wrong", "password1": new, "password2": new}
    client.post("/account/password/", data)
    assert ApiToken.objects.count() == 3
    assert noted("token.revoked") == []
    answer = client.post("/account/password/", data | {"oldpassword": "alice"}, follow=True)
    assert "your API tokens ended" in text(answer)
    kept = ApiToken.objects.order_by("id").values_list("user__username", "label")
    assert list(kept) == [("bob", "from the page"), ("alice", "manage user")]
    assert noted("token.revoked") == [("alice", "127.0.0.1")]


def test_it_keeps_tokens_when_the_console_sets_a_password(people: dict[str, User]) -> None:
    token_issue(user=people["alice"], label="from the page", from_page=True)
    user_save(name="alice", role="operator", password="a Long one 72")
    assert ApiToken.objects.count() == 1


def test_it_says_how_the_first_user_is_made(db: None) -> None:
    assert "manage user NAME --role admin" in Client().get("/login/").content.decode()
    world.user("kim", "admin")
    assert "manage user" not in Client().get("/login/").content.decode()
