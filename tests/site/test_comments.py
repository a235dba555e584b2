"""Comments on a change: by everybody who may see it, kept for ever, of no weight."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from audit.models import Entry
from netops.models import Change, Comment, Event
from netops.services import change_comment, comments
from netops.states import State
from notify.models import Happened
from people.errors import Conflict, InvalidInput
from people.models import User
from tests.site.api_client import Api
from tests.site.rows import change_row, host_row

Caller = Callable[[str], Api]


@pytest.fixture(params=[State.AWAITING_APPROVAL, State.SUCCEEDED, State.PLANNING])
def change(people: dict[str, User], request: pytest.FixtureRequest) -> Change:
    """alice's change: while it waits, at its end, and before it has a plan."""
    return change_row(host_row("web-1"), people["alice"], request.param)


def rows(change: Change) -> list[object]:
    """What a comment must not touch."""
    found: list[object] = list(Change.objects.filter(pk=change.pk).values())
    return found + list(Event.objects.order_by("pk").values())


def test_people_are_told_of_it_once(change: Change, people: dict[str, User]) -> None:
    change_comment(user=people["carol"], change=change, text="Is the VPN on it?")
    told = Happened.objects.filter(change=change, what="comment")
    assert [(row.by, row.text) for row in told] == [("carol", "Is the VPN on it?")]


def test_it_keeps_what_everybody_says_and_touches_nothing_else(change: Change, api: Caller) -> None:
    before, path = rows(change), f"/changes/{change.pk}/comments"
    for name in ("carol", "alice", "bob"):
        answer = api(name).post(path, {"text": f" {name} thinks so.\r\nYes. "})
        assert (answer.status, answer.json["by"]) == (201, name)
        assert answer.json["text"] == f"{name} thinks so.\nYes."
    listed = api("dan").get(path).json
    said = [(row["by"], row["text"]) for row in listed["items"]]
    assert said == [(n, f"{n} thinks so.\nYes.") for n in ("carol", "alice", "bob")]
    assert rows(change) == before
    entry = Entry.objects.filter(action="change.commented").first()
    assert entry is not None
    assert entry.target == f"change:{change.pk}"


@pytest.mark.parametrize("text", ["", "  \n ", "a\x00b", "x" * (comments.COMMENT_LENGTH + 1)])
def test_it_refuses_what_is_no_text(change: Change, people: dict[str, User], text: str) -> None:
    before = rows(change)
    with pytest.raises(InvalidInput) as refused:
        change_comment(user=people["carol"], change=change, text=text)
    assert refused.value.field == "text"
    assert not Comment.objects.exists()
    assert not Entry.objects.filter(action="change.commented").exists()
    assert rows(change) == before


def test_it_takes_no_more_than_can_be_read(
    change: Change, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comments, "MOST_COMMENTS", 1)
    change_comment(user=people["carol"], change=change, text="First.")
    with pytest.raises(Conflict):
        change_comment(user=people["carol"], change=change, text="Second.")
    assert [c.text for c in Comment.objects.all()] == ["First."]


def test_it_answers_for_no_change(people: dict[str, User], api: Caller) -> None:
    answer = api("carol").post("/changes/999/comments", {"text": "Hello?"})
    assert answer.status == 404
    assert not Comment.objects.exists()


def test_one_person_cannot_end_the_conversation(
    change: Change, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comments, "MOST_OF_ONE", 2)
    for _ in range(2):
        change_comment(user=people["carol"], change=change, text="x")
    with pytest.raises(Conflict):
        change_comment(user=people["carol"], change=change, text="x")
    change_comment(user=people["bob"], change=change, text="It is important.")
    assert [row.by.username for row in Comment.objects.order_by("pk")] == ["carol", "carol", "bob"]
