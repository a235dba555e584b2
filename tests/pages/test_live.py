"""The stream of a change's page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from django.test import AsyncClient, Client

from hosts.models import Host
from netops.event_row import row_of
from netops.models import Approval, Change, Event
from netops.record import record_of
from netops.selectors import change_approvals
from netops.states import State
from netops.stream import hub, readers_of
from people.models import User
from tests.pages import world
from tests.pages.reading import tags, text_of

Browse = Callable[[str], Client]
HOSTILE = "<script>x</script>\r\nevent: end\r\ndata: gone"


def stream(person: User, change: Change, after: int, **headers: str) -> list[dict[str, str]]:
    """Return the messages of a change's stream until it ends."""

    async def read() -> bytes:
        client = AsyncClient()
        await client.aforce_login(person)
        address = f"/changes/{change.pk}/live/?after={after}"
        answer = await client.get(address, headers=headers)
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/event-stream")
        assert (answer["Content-Encoding"], answer["X-Accel-Buffering"]) == ("identity", "no")
        return b"".join([part async for part in answer.streaming_content])  # type: ignore[attr-defined]

    return [_message(block) for block in asyncio.run(read()).decode().split("\n\n") if block]


def _message(block: str) -> dict[str, str]:
    """Parse one message as a browser would (WHATWG HTML, server-sent events)."""
    found: dict[str, str] = {}
    for line in block.split("\n"):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        found[name] = f"{found[name]}\n{value}" if name == "data" and name in found else value
    return found


@pytest.fixture
def told(people: dict[str, User], web: Host) -> world.Story:
    """A job that runs and has done three steps, the last with hostile output."""
    story = world.Story(web, people["alice"]).planned().judged(people["bob"]).began()
    return story.did(3, HOSTILE)


@pytest.mark.django_db(transaction=True)
def test_it_streams_parts_and_then_ends(told: world.Story, people: dict[str, User]) -> None:
    after = told.change.last_seq
    told.tell("step_started", "Stop Docker", step=4)
    told.tell("output", "web stopped", step=4)
    told.tell("step_done", "Stop Docker", step=4)
    told.ended(State.SUCCEEDED, "Done.", 2.0)
    found = [m for m in stream(people["carol"], told.change, after) if "event" in m]
    kinds = [m["event"] for m in found]
    assert kinds == ["part", "part", "part", "part", "again", "part", "again", "end"]
    # The news of a state has no number: who lost the rest gets both again.
    assert [int(m.get("id", 0)) - after for m in found if "id" in m] == [1, 2, 3, 4, 5, 5]
    assert [m["event"] for m in found if "id" not in m] == ["part", "part"]
    assert text_of(found[3]["data"], "state-now") == "Succeeded"
    assert "Done." in found[3]["data"]
    assert "job-step-running" in found[0]["data"]
    assert text_of(found[1]["data"], "output-4") == "1 line of output web stopped"
    assert "job-step-done" in found[2]["data"]
    swapped = {
        n["id"]
        for m in found[:3]
        for n in tags(m["data"], "li") + tags(m["data"], "div")
        if "hx-swap-oob" in n
    }
    assert swapped == {"step-4", "output-4", "job-progress"}


@pytest.mark.django_db(transaction=True)
def test_it_goes_on_where_the_reader_was(told: world.Story, people: dict[str, User]) -> None:
    after = told.change.last_seq
    told.tell("step_started", "Stop Docker", step=4)
    told.tell("step_done", "Stop Docker", step=4)
    told.ended(State.SUCCEEDED, "Done.")
    whole = stream(people["carol"], told.change, after)
    rest = stream(people["carol"], told.change, after, **{"Last-Event-ID": str(after + 1)})
    assert [m["id"] for m in rest if "id" in m] == [m["id"] for m in whole if "id" in m][1:]


@pytest.mark.django_db(transaction=True)
def test_it_lets_no_host_speak_for_the_stream(told: world.Story, people: dict[str, User]) -> None:
    after = told.change.last_seq
    told.tell("step_started", "x", step=4)
    told.tell("output", HOSTILE, step=4)
    told.ended(State.FAILED, "x")
    found = stream(people["carol"], told.change, after)
    part = [m for m in found if m.get("event") == "part"][1]
    assert [m["event"] for m in found if "event" in m].count("end") == 1
    assert "<script>" not in "".join(m.get("data", "") for m in found)
    assert "&lt;script&gt;x&lt;/script&gt;\nevent: end\ndata: gone" in part["data"]


@pytest.mark.django_db(transaction=True)
def test_it_ends_for_a_reader_who_knows_all(told: world.Story, people: dict[str, User]) -> None:
    told.ended(State.SUCCEEDED, "Done.")
    found = stream(people["carol"], told.change, told.change.last_seq)
    assert [m["event"] for m in found if "event" in m] == ["again", "end"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("after", ["", "x", "-1", "٣", "9" * 40])
def test_it_survives_an_odd_cursor(
    browse: Browse, told: world.Story, people: dict[str, User], after: str
) -> None:
    told.ended(State.SUCCEEDED, "Done.")
    found = stream(people["carol"], told.change, after)  # type: ignore[arg-type]
    assert found[-1]["event"] == "end"


@pytest.mark.django_db
def test_it_folds_the_same_in_one_go_and_piece_by_piece(people: dict[str, User], web: Host) -> None:
    change = world.story_rolled_back(web, people["alice"], people["bob"])
    rows = [row_of(e) for e in Event.objects.filter(change=change).order_by("seq")]
    plan = change.current_plan
    assert plan is not None
    whole = record_of(plan.steps, rows)
    for cut in range(len(rows)):
        pieces = record_of(plan.steps, rows[:cut])
        for row in rows[max(0, cut - 2) :]:
            pieces.take(row)
        assert pieces == whole


@pytest.mark.django_db
def test_it_does_not_let_a_step_run_after_the_end(people: dict[str, User], web: Host) -> None:
    told = world.Story(web, people["alice"]).planned().judged(people["bob"]).began().did(2)
    told.tell("step_started", "x", step=3)
    # The third step validates: there is nothing of it to undo.
    ends = {"end": ["done", "done", "cut"], "rolled_back": ["undone", "undone", "cut"]}
    for ending, statuses in ends.items():
        told.tell(ending, "It ended.", data={"state": "failed"})
        rows = [row_of(e) for e in Event.objects.order_by("seq")]
        assert [s.status for s in record_of(told.plan.steps, rows).steps[:3]] == statuses
        Event.objects.filter(type=ending).delete()


@pytest.mark.django_db
def test_it_does_not_miss_a_move_that_came_while_the_page_was_read(
    browse: Browse, people: dict[str, User], web: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = world.Story(web, people["alice"]).planned().judged(people["bob"])
    seen = story.change.last_seq

    def read_late(*, change: Change) -> list[Approval]:
        story.began()
        return change_approvals(change=change)

    monkeypatch.setattr("netops.views.change.change_approvals", read_late)
    page = browse("carol").get(f"/changes/{story.change.pk}/").content.decode()
    assert Change.objects.get(pk=story.change.pk).last_seq > seen
    assert f'/changes/{story.change.pk}/live/?after={seen}&amp;said=0"' in page


@pytest.mark.django_db(transaction=True)
def test_a_crowd_of_pages_does_not_fetch_itself_at_once(
    told: world.Story, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    after = told.change.last_seq
    told.ended(State.SUCCEEDED, "Done.", 2.0)

    def turns(readers: int) -> list[int]:
        monkeypatch.setattr("netops.views.live.readers_of", lambda change_id: readers)
        found = [m for m in stream(people["carol"], told.change, after) if "event" in m]
        return [int(m["data"]) for m in found if m["event"] == "again"]

    assert set(turns(10)) == {0}
    crowd = [turns(1000) for _ in range(5)]
    assert len({each[0] for each in crowd}) > 1
    assert max(max(each) for each in crowd) < 40_000


def test_readers_are_counted_while_they_read() -> None:
    async def read() -> tuple[int, int, int]:
        own = hub()
        queue = await own.join(4711)
        during = readers_of(4711), readers_of(4712)
        own.leave(4711, queue)
        return *during, readers_of(4711)

    assert asyncio.run(read()) == (1, 0, 0)
