"""The pages of API tokens: one's own, and for admins everybody's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from audit.models import Entry
from people.models import ApiToken, User
from people.services import token_issue
from tests.pages.reading import tags, targets, text

Browse = Callable[[str], Client]


def proved(client: Client, password: str) -> Client:
    """Return the browser of somebody who has just typed their password again."""
    assert client.post("/account/again/", {"password": password}).status_code == 302
    return client


def made(user: User, label: str, days: float | None = 90) -> ApiToken:
    token_issue(user=user, label=label)
    row = ApiToken.objects.get(label=label)
    row.expires_at = None if days is None else timezone.now() + timedelta(days=days)
    row.save()
    return row


def test_it_offers_an_end_first_and_shows_the_token_once(browse: Browse) -> None:
    client = proved(browse("carol"), "carol")
    chosen = [o["value"] for o in tags(client.get("/tokens/"), "option") if "selected" in o]
    assert chosen == ["90"]
    client.post("/tokens/new/", {"label": "deploy", "days": "90"})
    assert "dn_" not in str(client.session.items())
    page = client.get("/tokens/")
    assert "dn_" in text(page)
    assert "dn_" not in text(client.get("/tokens/"))
    token = ApiToken.objects.get()
    assert token.expires_at is not None
    assert token.from_page
    client.post("/tokens/new/", {"label": "for ever", "days": "0"})
    assert ApiToken.objects.get(label="for ever").expires_at is None


def test_it_says_which_tokens_are_over_or_soon(browse: Browse, people: dict[str, User]) -> None:
    for label, days in (("old", -1.0), ("short", 3.0), ("long", 80.0), ("endless", None)):
        made(people["carol"], label, days)
    words = text(browse("carol").get("/tokens/"))
    assert words.count("expired") == 1
    assert words.count(" soon") == 1
    assert "never" in words


def test_it_shows_admins_everybodys_tokens(browse: Browse, people: dict[str, User]) -> None:
    made(people["carol"], "deploy")
    made(people["bob"], "watcher", -1)
    client = browse("admin")
    assert "/tokens/all/" in targets(client.get("/tokens/"))
    words = text(client.get("/tokens/all/"))
    assert "carol" in words
    assert "watcher" in words
    for query, there in (
        ("q=CAR", ["deploy"]),
        ("q=watch", ["watcher"]),
        ("state=expired", ["watcher"]),
        ("state=valid", ["deploy"]),
        ("state=soon", []),
        ("state=endless", []),
        ("state=unused", ["deploy", "watcher"]),
        ("state=odd", []),
        ("q=%00", []),
    ):
        words = text(client.get(f"/tokens/all/?{query}"))
        assert [label for label in ("deploy", "watcher") if label in words] == there, query


@pytest.mark.parametrize("name", ["carol", "alice", "bob"])
def test_it_hides_the_tokens_of_others(browse: Browse, people: dict[str, User], name: str) -> None:
    row = made(people["admin"], "deploy")
    before = Entry.objects.count()
    client = browse(name)
    assert client.get("/tokens/all/").status_code == 403
    assert "/tokens/all/" not in targets(client.get("/tokens/"))
    answer = client.post(f"/tokens/{row.pk}/revoke/", follow=True)
    assert "no such token" in text(answer)
    assert ApiToken.objects.filter(pk=row.pk).exists()
    assert Entry.objects.count() == before


def test_it_revokes_and_goes_back_to_where_it_was(browse: Browse, people: dict[str, User]) -> None:
    row = made(people["carol"], "deploy")
    other = made(people["carol"], "other")
    client = browse("admin")
    back = client.post(f"/tokens/{row.pk}/revoke/", {"next": "/tokens/all/?q=carol"})
    assert back["Location"] == "/tokens/all/?q=carol"
    away = client.post(f"/tokens/{other.pk}/revoke/", {"next": "https://evil.example/"})
    assert away["Location"] == "/tokens/"
    assert not ApiToken.objects.exists()
    assert Entry.objects.filter(action="token.revoked", by="admin").count() == 2


def test_it_makes_none_before_the_second_factor_that_is_required(
    browse: Browse, settings: Settings
) -> None:
    settings.DOCKERNET_REQUIRE_MFA = frozenset({"operator"})
    client = browse("alice")
    before = Entry.objects.count()
    answer = client.post("/tokens/new/", {"label": "early", "days": "0"})
    assert answer.status_code == 403
    assert "set it up on the page" in text(answer)
    assert not ApiToken.objects.exists()
    assert Entry.objects.count() == before
    page = client.get("/tokens/")
    assert "Make the token" not in text(page)
    assert "/account/" in targets(page)
    assert "Make the token" in text(browse("carol").get("/tokens/"))


def test_it_shows_nothing_that_another_key_has_sealed(browse: Browse, settings: Settings) -> None:
    client = proved(browse("carol"), "carol")
    client.post("/tokens/new/", {"label": "deploy", "days": "90"})
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of thirty-two letters"
    page = client.get("/tokens/")
    assert page.status_code == 200
    assert "Copy this token" not in text(page)


def test_it_makes_none_in_an_open_browser_alone(people: dict[str, User]) -> None:
    client = Client()
    client.post("/login/", {"username": "carol", "password": "carol"})
    again = client.post("/tokens/new/", {"label": "deploy", "days": "90"})["Location"]
    assert again == "/account/again/?next=%2Ftokens%2Fnew%2F"
    assert not ApiToken.objects.exists()
    assert client.post(again, {"password": "wrong"}).status_code == 200
    assert not ApiToken.objects.exists()
    assert not Entry.objects.filter(action__startswith="token.").exists()
    # The right password makes the token that was asked for.
    assert "dn_" in text(client.post(again, {"password": "carol"}, follow=True))
    assert ApiToken.objects.get().label == "deploy"
    bad = client.post("/tokens/new/", {"label": "", "days": "90"})
    assert bad.status_code == 422
