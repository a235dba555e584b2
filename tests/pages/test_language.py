"""The language of the pages: by the browser, by choice, kept with the person."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from hosts.models import Host
from people.models import User
from tests.pages import world
from tests.pages.reading import text

pytestmark = pytest.mark.django_db
Browse = Callable[[str], Client]
KOREAN = {"HTTP_ACCEPT_LANGUAGE": "ko-KR,ko;q=0.9,en;q=0.5"}


def language_of(client: Client, **headers: str) -> str:
    """Return the language that the list of hosts says it is in."""
    page = client.get("/", **headers).content.decode()  # type: ignore[arg-type]
    return page.partition('<html lang="')[2].partition('"')[0]


def test_it_is_what_the_browser_asks_for(browse: Browse) -> None:
    assert language_of(browse("carol")) == "en"
    assert language_of(browse("carol"), **KOREAN) == "ko"
    assert language_of(browse("carol"), HTTP_ACCEPT_LANGUAGE="fr,de;q=0.5") == "en"


def test_a_choice_holds_in_this_browser_and_with_the_person(browse: Browse) -> None:
    answer = browse("carol").post("/language/", {"language": "ko", "next": "/changes/?q=1"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/changes/?q=1")
    assert User.objects.get(username="carol").language == "ko"
    assert answer.cookies["django_language"].value == "ko"
    assert language_of(browse("carol"), HTTP_ACCEPT_LANGUAGE="en") == "ko"


def test_the_cookie_of_a_browser_goes_before_the_person(browse: Browse) -> None:
    User.objects.filter(username="carol").update(language="ko")
    client = browse("carol")
    client.cookies["django_language"] = "en"
    assert language_of(client) == "en"


@pytest.mark.parametrize("language", ["fr", "", "ko\n"])
def test_an_unknown_language_changes_nothing(browse: Browse, language: str) -> None:
    answer = browse("carol").post("/language/", {"language": language, "next": "//evil.example/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert User.objects.get(username="carol").language == ""
    assert "django_language" not in answer.cookies


def test_a_refusal_is_told_in_the_readers_language_and_changes_nothing(
    browse: Browse, people: dict[str, User], web: Host
) -> None:
    change = world.Story(web, people["alice"]).planned().change
    sent = {"plan_digest": "0" * 64, "comment": ""}
    answer = browse("bob").post(f"/changes/{change.pk}/approve/", sent, **KOREAN)  # type: ignore[arg-type]
    assert answer.status_code == 409
    assert "읽은 계획과 다릅니다" in answer.content.decode()
    change.refresh_from_db()
    assert (change.state, change.approvals.count()) == ("awaiting_approval", 0)


@pytest.mark.parametrize("deed", ["refresh", "revoke", "rotate"])
def test_what_was_done_to_a_host_is_told_in_korean(
    browse: Browse, web: Host, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    monkeypatch.setattr(f"hosts.views.host.host_{deed}", lambda **_: None)
    page = browse("admin").post(f"/hosts/web-1/{deed}/", follow=True, **KOREAN)
    assert "web-1 호스트" in text(page)
