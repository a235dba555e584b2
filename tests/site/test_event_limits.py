"""What a host cannot do to the history of a change: fill it, or write people's acts into it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from netops.models import Change, Event, Job
from netops.services import event_room
from netops.services.event_said import said_time
from netops.services.events import job_events_store
from netops.states import State
from netops.wire import JobEvent
from people.models import User
from tests.site.rows import change_row, history, host_row, job_row

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(people: dict[str, User]) -> Job:
    return job_row(change_row(host_row("web-1"), people["alice"], State.APPROVED))


class Teller:
    """A host that goes on telling about its job."""

    def __init__(self, job: Job) -> None:
        self.job, self.seq = job, 0

    def say(self, *types: str, message: str = "x", at: str = "", **data: Any) -> list[Event]:
        """Tell events of these types in one message; return those of them that were kept."""
        events, first = [], self.seq + 1
        for type_ in types:
            self.seq += 1
            when = at or timezone.now().isoformat()
            events.append(
                JobEvent(
                    self.job.pk, self.job.change_id, self.seq, when, type_, None, message, data
                )
            )
        job_events_store(host=self.job.change.host, job_id=self.job.pk, events=events)
        return list(Event.objects.filter(job=self.job, job_seq__gte=first).order_by("seq"))

    def kept(self, *types: str, **data: Any) -> int:
        return len(self.say(*types, **data))


@pytest.fixture
def teller(job: Job, monkeypatch: pytest.MonkeyPatch) -> Teller:
    for name, value in {"MOST_EVENTS": 10, "MOST_AFTER": 5, "LARGE_STATES": 3}.items():
        monkeypatch.setattr(event_room, name, value)
    return Teller(job)


@pytest.mark.parametrize("type_", ["output", "state", "step_started", "step_done", "odd"])
def test_it_keeps_only_how_a_long_job_ends(teller: Teller, type_: str) -> None:
    assert teller.kept(*[type_] * 12) == 10
    assert teller.kept(*[type_] * 5) == 0
    assert teller.kept("rollback_started", "rolled_back", type_) == 2
    assert teller.kept("rollback_started", "rolled_back", type_) == 0
    assert teller.kept("end", state="rolled_back") == 1
    change = Change.objects.get()
    assert change.state == State.ROLLED_BACK
    assert history(change)[-1] == (14, "end", "rolled_back")


def test_it_keeps_a_bounded_text(teller: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_room, "MOST_TEXT", 10_000)
    assert teller.kept(*["output"] * 5, message="x" * 4_000) == 3
    assert teller.kept("output") == 0
    assert teller.kept("end", state="succeeded") == 1


@pytest.mark.parametrize("type_", ["output", "step_started", "rolled_back"])
def test_it_keeps_no_large_data(teller: Teller, type_: str) -> None:
    [small] = teller.say(type_, command="x" * 3_900)
    assert len(small.data["command"]) == 3_900
    [large] = teller.say(type_, command="x" * 4_000)
    assert large.data == {"too_large": True}


def test_it_keeps_the_large_data_of_the_first_states_and_of_the_end(teller: Teller) -> None:
    lines = ["x" * 100] * 100
    large = teller.say(*["state"] * 4, state="stale", differences=lines)
    assert [row.data.get("differences") == lines for row in large] == [True, True, True, False]
    assert large[3].data == {"state": "stale", "too_large": True}
    [end] = teller.say("end", state="failed", left=lines)
    assert end.data["left"] == lines


def test_it_keeps_a_bounded_number_after_the_end(teller: Teller) -> None:
    teller.say("output", "end", state="succeeded")
    assert teller.kept("rollback_started", *["output", "rollback_started"] * 8) == 6
    assert teller.kept("output") == 0
    [end] = teller.say("end", state="rolled_back", by_hand=True)
    assert history(Change.objects.get())[-1] == (end.seq, "end", "rolled_back")
    assert teller.kept("rollback_started", "end") == 0


def test_it_lets_no_host_reopen_a_history_for_ever(teller: Teller) -> None:
    teller.say("end", state="failed")
    for _ in range(30):
        teller.say("rollback_started", "output", "output", "end", state="failed")
    change = Change.objects.get()
    assert change.state == State.FAILED
    rows = history(change)
    assert len(rows) <= 2 * event_room.MOST_EVENTS + 3
    assert [type_ for _, type_, _ in rows].count("end") == 1
    assert rows[-1][1:] == ("end", "failed")


def test_it_takes_no_act_of_a_person_from_a_host(teller: Teller) -> None:
    acts = {"by": "bob", "break_glass": True, "approvals": ["bob"], "job": "j", "from": "site"}
    for type_ in ("state", "output", "end"):
        [row] = teller.say(type_, state="failed", left=["a"], total=7, seq=1, **acts)
        assert set(row.data) - {"total"} == {"state", "left"}
        assert row.data.get("total") == (row.seq if type_ == "end" else None)


@pytest.mark.parametrize("state", ["planning", "approved", "rejected", "withdrawn"])
def test_it_takes_no_state_of_a_person_from_a_host(teller: Teller, state: str) -> None:
    [row] = teller.say("state", state=state)
    assert row.data == {}
    assert Change.objects.get().state == State.RUNNING


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_it_takes_no_number_that_is_no_json(teller: Teller, odd: float) -> None:
    [row] = teller.say("state", state="running", confirm_window_s=odd)
    assert row.data == {"state": "running", "too_large": True}
    [end] = teller.say("end", state="succeeded", outage_s=10**400)
    assert end.data["state"] == "succeeded"


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00",
        "1970-01-01T00:00:00+00:00",
        "noon",
    ],
)
def test_it_takes_the_sites_time_where_the_hosts_is_none(teller: Teller, at: str) -> None:
    [row] = teller.say("output", at=at)
    assert abs(row.at - timezone.now()) < timedelta(seconds=60)


def test_it_takes_no_time_far_ahead(teller: Teller) -> None:
    now = timezone.now()
    [row] = teller.say("end", at="9998-12-31T23:59:59+00:00", state="succeeded")
    assert timedelta(hours=23) < row.at - now < timedelta(hours=25)
    assert said_time((now + timedelta(hours=5)).isoformat()) == now + timedelta(hours=5)
