"""The conversation on the page of a change."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from hosts.models import Host
from netops.models import Change, Comment
from netops.states import State
from people.models import User
from tests.pages import world
from tests.pages.reading import text, text_of
from tests.pages.test_queries import count

Browse = Callable[[str], Client]
HX = {"HX-Request": "true"}


@pytest.fixture
def story(people: dict[str, User], web: Host) -> world.Story:
    return world.Story(web, people["alice"]).planned()


def test_it_shows_one_timeline(browse: Browse, people: dict[str, User], story: world.Story) -> None:
    pk = story.change.pk
    client = browse("carol")
    client.post(f"/changes/{pk}/comments/", {"text": "Is the VPN in use at night?"})
    story.judged(people["bob"], comment="Go.")
    told = text_of(client.get(f"/changes/{pk}/"), "timeline")
    # The story told of an hour that is past: what is said now comes last.
    wanted = ["alice asked", "bob approved", "Go.", "carol said", "Is the VPN in use at night?"]
    places = [told.find(words) for words in wanted]
    assert -1 not in places
    assert places == sorted(places)
    assert told.count("approved the plan") == 1


def test_it_comes_back_to_the_comment(browse: Browse, story: world.Story) -> None:
    answer = browse("carol").post(f"/changes/{story.change.pk}/comments/", {"text": "Yes."})
    said = Comment.objects.get()
    assert answer["Location"] == f"/changes/{story.change.pk}/#comment-{said.pk}"


def test_it_gives_htmx_the_part_and_only_what_is_news(browse: Browse, story: world.Story) -> None:
    client, path = browse("carol"), f"/changes/{story.change.pk}/comments/"
    card = client.post(path, {"text": "Yes."}, headers=HX)
    assert b"<html" not in card.content
    assert text_of(card, "say") == ""
    listed = client.get(path, headers=HX)
    number = listed.content.count(b"<li")
    assert client.get(f"{path}?known={number}", headers=HX).status_code == 204
    assert client.get(f"{path}?known={number - 1}", headers=HX).status_code == 200


@pytest.mark.parametrize(("headers", "status"), [({}, 422), (HX, 200)])
def test_it_keeps_the_words_that_it_refuses(
    browse: Browse, story: world.Story, headers: dict[str, str], status: int
) -> None:
    long = "x" * 4001
    path = f"/changes/{story.change.pk}/comments/"
    answer = browse("carol").post(path, {"text": long}, headers=headers)
    assert answer.status_code == status
    assert "at most 4000 characters" in text_of(answer, "say_error")
    assert text_of(answer, "say") == long
    assert not Comment.objects.exists()


def test_it_shows_html_as_text(browse: Browse, story: world.Story) -> None:
    client, pk = browse("carol"), story.change.pk
    client.post(f"/changes/{pk}/comments/", {"text": "<b>bold</b>"})
    page = client.get(f"/changes/{pk}/")
    assert b"<b>bold" not in page.content
    assert "<b>bold</b>" in text(page)


def test_it_never_moves_a_change(browse: Browse, story: world.Story) -> None:
    browse("bob").post(f"/changes/{story.change.pk}/comments/", {"text": "approve"})
    found = Change.objects.get()
    assert (found.state, found.last_seq) == (State.AWAITING_APPROVAL, story.change.last_seq)


def test_it_needs_few_queries(browse: Browse, people: dict[str, User], story: world.Story) -> None:
    client = browse("carol")
    paths = [f"/changes/{story.change.pk}/{part}" for part in ("", "comments/")]
    few = [count(client, path) for path in paths]
    for number in range(40):
        by = world.user(f"reader-{number}", "viewer")
        Comment.objects.create(change=story.change, by=by, text="Hm.")
    assert [count(client, path) for path in paths] == few
    assert few[1] <= 7


def test_what_the_approver_does_next_is_told_too(
    browse: Browse, people: dict[str, User], story: world.Story
) -> None:
    """A job is cancelled within the second by who sees the slip."""
    story.judged(people["bob"])
    told = "bob asked the host to stop and go back."
    story.tell("state", told, data={"state": "running", "by": "bob"})
    shown = text_of(browse("carol").get(f"/changes/{story.change.pk}/"), "timeline")
    assert told in shown
    assert shown.count("approved the plan") == 1
