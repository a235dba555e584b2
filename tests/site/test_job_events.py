"""What hosts say about their jobs: once, in order, with nothing missing."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import Entry
from netops.models import Change, Event, Job
from netops.services import jobs as jobs_service
from netops.services.events import job_events_store
from netops.services.moves import history_reopen
from netops.states import State
from netops.wire import JobEvent
from people.models import User
from tests.site.rows import change_row, history, host_row, job_row

pytestmark = pytest.mark.django_db
AT = "2026-11-23T10:00:00+00:00"


def event(job: Job, seq: int, type_: str = "output", **fields: Any) -> JobEvent:
    values = {"at": AT, "message": f"line {seq}", **fields}
    return JobEvent(job_id=job.pk, change_id=job.change_id, seq=seq, type=type_, **values)


def script(job: Job, state: str = "succeeded") -> list[JobEvent]:
    """A whole job in six events."""
    end = {"state": state, "outage_s": 2.25, "containers": [{"name": "web", "from": None}]}
    return [
        event(job, 1, "state", data={"state": "running"}),
        event(job, 2, "step_started", step=1),
        event(job, 3, "output", step=1),
        event(job, 4, "step_done", step=1),
        event(job, 5, "state", data={"state": "verifying"}),
        event(job, 6, "end", data=end),
    ]


@pytest.fixture
def job(people: dict[str, User]) -> Job:
    return job_row(change_row(host_row("web-1"), people["alice"], State.APPROVED))


def store(job: Job, events: list[JobEvent]) -> int:
    return job_events_store(host=job.change.host, job_id=job.pk, events=events)


def test_it_tells_the_whole_job(job: Job) -> None:
    assert store(job, script(job)[:1]) == 1
    change = Change.objects.get()
    assert change.state == State.RUNNING
    assert store(job, script(job)[1:]) == 5
    change.refresh_from_db()
    job.refresh_from_db()
    assert change.state == State.SUCCEEDED
    assert job.outage_s == 2.25
    assert job.started_at is not None
    assert job.finished_at is not None
    rows = history(change)
    assert [type_ for _, type_, _ in rows][1:] == [e.type for e in script(job)]
    end = Event.objects.get(type="end")
    assert (end.seq, end.data["total"], end.data["state"]) == (7, 7, "succeeded")
    assert change.last_seq == 7


def test_it_keeps_each_event_once(job: Job) -> None:
    for _ in range(3):
        store(job, script(job))
        store(job, script(job)[2:4])
    assert len(history(Change.objects.get())) == 7


@pytest.mark.parametrize("seed", range(5))
def test_it_is_whole_whatever_order_they_come_in(job: Job, seed: int) -> None:
    events = script(job)
    shuffled = events * 2
    random.Random(seed).shuffle(shuffled)
    for one in [*shuffled, *events]:
        store(job, [one])
    rows = list(Event.objects.filter(job=job).order_by("seq"))
    assert [row.job_seq for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row.seq for row in rows] == [2, 3, 4, 5, 6, 7]


def test_it_keeps_nothing_beyond_a_gap_and_asks_for_it(
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(jobs_service.dispatch, "send", lambda **kw: sent.append(kw["body"]))
    events = script(job)
    with django_capture_on_commit_callbacks(execute=True):
        assert store(job, [events[0], events[3], events[2]]) == 1
        assert store(job, events[4:]) == 0
    assert len(history(Change.objects.get())) == 2
    assert [(body.job_id, body.after) for body in sent] == [(job.pk, 1)]
    assert store(job, events[1:]) == 5
    assert Change.objects.get().state == State.SUCCEEDED


@pytest.mark.parametrize("told", ["rolled_back", "failed", "stale"])
def test_it_takes_the_hosts_word_for_the_outcome(job: Job, told: str) -> None:
    store(job, script(job, told))
    assert Change.objects.get().state == told


@pytest.mark.parametrize("told", ["running", "", None, 7, ["succeeded"], "rejected", "great"])
def test_it_needs_a_person_when_the_outcome_is_none(job: Job, told: Any) -> None:
    store(job, script(job, told))
    assert Change.objects.get().state == State.FAILED
    assert Event.objects.get(type="end").data["state"] == "failed"


@pytest.mark.parametrize("outage", ["2", None, True, -1, [1], 1e300])
def test_it_keeps_no_outage_that_is_no_number_of_seconds(job: Job, outage: Any) -> None:
    store(job, [event(job, 1, "end", data={"state": "succeeded", "outage_s": outage})])
    job.refresh_from_db()
    assert job.outage_s is None
    assert Change.objects.get().state == State.SUCCEEDED


def test_it_hears_of_a_lost_job_again(job: Job) -> None:
    store(job, script(job)[:1])
    Change.objects.update(state=State.UNKNOWN)
    store(job, script(job)[:2])
    change = Change.objects.get()
    assert change.state == State.RUNNING
    assert history(change)[2:] == [(3, "state", "running"), (4, "step_started", None)]


def test_it_settles_a_lost_job(job: Job) -> None:
    store(job, script(job)[:3])
    Change.objects.update(state=State.UNKNOWN)
    assert store(job, script(job, "rolled_back")[3:]) == 3
    assert Change.objects.get().state == State.ROLLED_BACK
    history(Change.objects.get())


def test_it_takes_no_events_of_another_hosts_job(job: Job) -> None:
    thief = host_row("thief")
    assert job_events_store(host=thief, job_id=job.pk, events=script(job)) == 0
    assert Change.objects.get().state == State.APPROVED
    assert len(history(Change.objects.get())) == 1


def test_it_takes_nothing_after_the_end(job: Job) -> None:
    store(job, script(job))
    assert store(job, [event(job, 7, "output"), event(job, 8, "end")]) == 0
    assert len(history(Change.objects.get())) == 7


def test_it_says_so_when_a_change_is_undone_at_the_console(job: Job) -> None:
    store(job, script(job))
    back = [
        event(job, 7, "rollback_started"),
        event(job, 8, "output", step=1),
        event(job, 9, "end", data={"state": "rolled_back", "by_hand": True}),
    ]
    assert store(job, back[:2]) == 2
    assert Change.objects.get().state == State.SUCCEEDED
    assert store(job, back) == 1
    change = Change.objects.get()
    assert change.state == State.ROLLED_BACK
    told = history(change)
    assert [type_ for _, type_, _ in told].count("end") == 1
    assert told[-1] == (10, "end", "rolled_back")
    entry = Entry.objects.get(action="change.reverted-by-hand")
    assert entry.target == f"change:{change.pk}"


@pytest.mark.parametrize("state", ["stale", "rolled_back"])
def test_it_takes_no_way_back_of_a_change_that_was_not_done(job: Job, state: str) -> None:
    store(job, script(job, state))
    assert store(job, [event(job, 7, "rollback_started"), event(job, 8, "end")]) == 0
    assert Change.objects.get().state == state
    assert len(history(Change.objects.get())) == 7
    assert not Entry.objects.filter(action="change.reverted-by-hand").exists()


@pytest.mark.parametrize("state", ["rolled_back", "failed"])
def test_it_takes_the_way_back_of_a_change_that_failed(job: Job, state: str) -> None:
    store(job, script(job, "failed"))
    back = {"state": state, "by_hand": True}
    assert store(job, [event(job, 7, "rollback_started"), event(job, 8, "end", data=back)]) == 2
    told = history(Change.objects.get())
    assert Change.objects.get().state == state
    assert [type_ for _, type_, _ in told].count("end") == 1
    assert told[-1] == (9, "end", state)
    noted = Entry.objects.filter(action="change.reverted-by-hand").count()
    assert noted == (state == "rolled_back")


def test_a_failed_change_that_ends_on_the_new_state_is_not_told_as_undone(job: Job) -> None:
    store(job, script(job, "failed"))
    back = {"state": "succeeded", "by_hand": True}
    assert store(job, [event(job, 7, "rollback_started"), event(job, 8, "end", data=back)]) == 2
    assert Change.objects.get().state == State.SUCCEEDED
    entry = Entry.objects.get(action="change.reverted-by-hand")
    assert "could not be undone" in entry.message


def test_it_takes_no_way_back_of_an_earlier_job(job: Job) -> None:
    store(job, script(job, "stale"))
    later = job_row(job.change)
    Change.objects.update(state=State.APPROVED)
    history_reopen(Change.objects.get())
    store(later, script(later))
    assert store(job, [event(job, 7, "rollback_started"), event(job, 8, "end")]) == 0
    assert Change.objects.get().state == State.SUCCEEDED
    assert len(history(Change.objects.get())) == 13


hostile_text = st.text(max_size=60) | st.sampled_from(["\x00", "\ud800", "id: 9\ndata: x\n\n"])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    type_=hostile_text,
    message=hostile_text,
    at=hostile_text,
    step=st.none() | st.integers(),
    data=st.dictionaries(hostile_text, hostile_text | st.integers() | st.none(), max_size=4),
)
def test_it_keeps_whatever_a_host_says(
    people: dict[str, User], type_: str, message: str, at: str, step: int | None, data: Any
) -> None:
    from netops.event_row import row_of
    from netops.services.events import TYPES

    job = job_row(change_row(host_row(), people["alice"], State.APPROVED))
    said = JobEvent(job.pk, job.change_id, 1, at, type_, step, message, data)
    assert store(job, [said]) == 1
    row = row_of(Event.objects.get(job=job))
    assert row.type in TYPES
    lines = row.sse.decode().split("\n")
    assert [line.partition(":")[0] for line in lines] == ["id", "event", "data", "", ""]
