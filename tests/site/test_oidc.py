"""Log-in through an OpenID Connect provider: a real one, small, on loopback."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.internal.statekit import STATES_SESSION_KEY
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.test import Client
from pytest_django import Settings

from audit.models import Entry
from dockernet_site.env_oidc import oidc_providers
from people.models import User
from tests.site.oidc_provider import CLIENT, SECRET, Provider


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Provider]:
    found = Provider()
    monkeypatch.setenv("DOCKERNET_OIDC_URL", found.url)
    monkeypatch.setenv("DOCKERNET_OIDC_CLIENT_ID", CLIENT)
    monkeypatch.setenv("DOCKERNET_OIDC_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("DOCKERNET_OIDC_NAME", "Example & Co")
    settings.SOCIALACCOUNT_PROVIDERS = oidc_providers()
    yield found
    found.stop()


def begin(client: Client, query: str = "") -> str:
    """Press the button of the log-in page; return where the provider's page is."""
    page = client.post(f"/login/oidc/{query}")
    assert page.status_code == 200
    found = re.search(r'content="0; url=([^"]+)"', page.content.decode())
    assert found
    return html.unescape(found[1])


def logged_in(client: Client) -> bool:
    return client.get("/tokens/").status_code == 200


@pytest.mark.django_db
def test_it_offers_the_provider_that_is_configured(provider: Provider) -> None:
    assert "Log in with Example &amp; Co" in Client().get("/login/").content.decode()
    assert Client().get("/login/oidc/").status_code == 405


@pytest.mark.django_db
def test_it_makes_a_person_at_the_first_log_in(provider: Provider, settings: Settings) -> None:
    settings.DOCKERNET_OIDC_ROLE = "operator"
    for _ in range(2):
        client = Client()
        back = client.get(provider.visit(begin(client)))
        assert (back.status_code, back["Location"]) == (302, "/")
        assert logged_in(client)
        # A role given here stays.
        settings.DOCKERNET_OIDC_ROLE = "viewer"
    olga = User.objects.get()
    assert (olga.username, olga.role, olga.has_usable_password()) == ("olga", "operator", False)
    entries = Entry.objects.filter(action="user.logged_in", by="olga", data__oidc=True)
    assert entries.count() == 2
    assert Entry.objects.filter(action="user.made", target="user:olga").count() == 1


@pytest.mark.django_db
def test_it_takes_over_no_local_account(provider: Provider, people: dict[str, User]) -> None:
    provider.person = {"sub": "7", "preferred_username": "Admin", "email": "admin@example.com"}
    User.objects.filter(username="admin").update(email="admin@example.com")
    before = User.objects.count()
    client = Client()
    answer = client.get(provider.visit(begin(client)))
    assert answer.status_code == 403
    assert "that is not yours" in answer.content.decode()
    assert not logged_in(client)
    assert (User.objects.count(), SocialAccount.objects.count()) == (before, 0)


@pytest.mark.django_db
def test_it_lets_the_browser_choose_nothing_but_where_to_go_on(
    provider: Provider, people: dict[str, User]
) -> None:
    client = Client()
    client.force_login(people["alice"])
    address = begin(client, "?process=connect&scope=all&auth_params=client_id%3Dx&next=/tokens/")
    assert "all" not in parse_qs(urlsplit(address).query)["scope"][0].split()
    back = client.get(provider.visit(address))
    assert (back.status_code, back["Location"]) == (302, "/tokens/")
    assert SocialAccount.objects.get().user == User.objects.get(username="olga")


@pytest.mark.django_db
@pytest.mark.parametrize("process", ["connect", "redirect", None])
def test_it_ties_no_identity_to_a_local_account(
    provider: Provider, people: dict[str, User], process: str | None
) -> None:
    client = Client()
    client.force_login(people["alice"])
    before, noted = User.objects.count(), Entry.objects.count()
    back = provider.visit(begin(client))
    session = client.session
    for state, *_ in session[STATES_SESSION_KEY].values():
        state["process"] = process
    session.save()
    answer = client.get(back)
    assert answer.status_code == 403
    assert "logs people in" in answer.content.decode()
    assert not SocialAccount.objects.exists()
    assert (User.objects.count(), Entry.objects.count()) == (before, noted)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        *("", "<b>x</b>", "a b", None, 7, " olga", "olga\n", "оlga", "ﬁona", "a" * 151),
        *("dockernet", "Site", "DOCKERNET"),
    ],
)
def test_it_takes_no_name_that_cannot_be_one(provider: Provider, name: object) -> None:
    provider.person = {"sub": "7", "preferred_username": name}
    client = Client()
    answer = client.get(provider.visit(begin(client)))
    assert answer.status_code == 403
    assert "<b>x" not in answer.content.decode()
    assert "cannot be taken here" in answer.content.decode()
    assert not User.objects.exists()
    assert not SocialAccount.objects.exists()
    assert not Entry.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["olga.b@example.com", "O_l+g-a", "a" * 150])
def test_it_takes_names_of_plain_letters(provider: Provider, name: str) -> None:
    provider.person = {"sub": "7", "preferred_username": name}
    client = Client()
    assert client.get(provider.visit(begin(client)))["Location"] == "/"
    assert User.objects.get().username == name


@pytest.mark.django_db
def test_it_keeps_out_who_is_switched_off(provider: Provider) -> None:
    client = Client()
    client.get(provider.visit(begin(client)))
    User.objects.update(is_active=False)
    other = Client()
    answer = other.get(provider.visit(begin(other)))
    assert answer.status_code == 403
    assert "switched off" in answer.content.decode()
    noted = Entry.objects.get(action="user.login_failed")
    assert (noted.by, "is switched off here" in noted.message) == ("olga", True)
    assert not logged_in(other)
    assert not logged_in(client)


@pytest.mark.django_db
def test_it_believes_no_answer_that_it_did_not_ask_for(provider: Provider) -> None:
    asked = Client()
    back = provider.visit(begin(asked))
    stranger = Client()
    assert stranger.get(back).status_code != 302
    assert not logged_in(stranger)
    provider.audience = "another client"
    assert asked.get(back).status_code != 302
    assert not logged_in(asked)
    assert not User.objects.exists()


@pytest.mark.django_db
def test_it_says_that_the_provider_is_away(provider: Provider) -> None:
    client = Client()
    back = provider.visit(begin(client))
    provider.stop()
    assert "did not work" in client.get(back).content.decode()
    assert "did not work" in Client().post("/login/oidc/").content.decode()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_it_uses_no_provider_of_the_database(settings: Settings) -> None:
    server = {"server_url": "http://127.0.0.1:9"}
    SocialApp.objects.create(
        provider="openid_connect", provider_id="evil", client_id="x", settings=server
    )
    assert Client().post("/login/evil/").status_code == 404
    assert Client().post("/login/oidc/").status_code == 404
    assert "Log in with" not in Client().get("/login/").content.decode()
