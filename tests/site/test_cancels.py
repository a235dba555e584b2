"""Cancelling a job that its host does not have: it is never sent, and the change is withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Entry
from netops.models import Change, Job
from netops.services import sweeps
from netops.services.jobs import job_dispatch, job_refusal_store
from netops.states import State
from netops.wire import CancelRequest, JobRefused
from people.models import User
from tests.site.api_client import Api
from tests.site.line import Line
from tests.site.rows import change_row, history, host_row, job_row

pytestmark = pytest.mark.django_db
LATE = timedelta(seconds=60)


@pytest.fixture
def job(people: dict[str, User], line: Line) -> Job:
    """A job that its host should have by now."""
    change = change_row(host_row("web-1"), people["alice"], State.APPROVED)
    job = job_row(change, dispatched_at=timezone.now() - LATE)
    Job.objects.update(created_at=timezone.now() - LATE)
    return job


@pytest.fixture
def cancel(job: Job, api: Callable[[str], Api]) -> Callable[[], Any]:
    """dan cancels it."""
    return lambda: api("dan").post(f"/changes/{job.change_id}/cancel")


def refused(job: Job, code: str = "unknown-job") -> bool:
    return job_refusal_store(host=job.change.host, refused=JobRefused(code, "No.", job.pk))


def withdrawn(job: Job) -> bool:
    """Whether it ended as it should; nothing is sent any more then."""
    job.refresh_from_db()
    change = Change.objects.get()
    if change.state != State.WITHDRAWN:
        return False
    last = change.events.order_by("seq").last()
    assert last is not None
    assert last.message == "dan cancelled it before its host had it."
    assert history(change)[-2:] == [(3, "state", "withdrawn"), (4, "end", "withdrawn")]
    assert Entry.objects.filter(action="change.cancelled").count() == 1
    assert job.finished_at is not None
    assert sweeps.jobs_send() == 0
    assert sweeps.jobs_settle() == 0
    return True


@pytest.mark.parametrize("state", [State.APPROVED, State.UNKNOWN])
@pytest.mark.parametrize("code", ["unknown-job", "busy"])
def test_it_sends_no_cancelled_job_again(
    state: State, code: str, job: Job, line: Line, cancel: Callable[[], Any]
) -> None:
    Change.objects.update(state=state)
    assert (cancel().status, line.sent) == (200, [CancelRequest(job.pk, "dan")])
    assert Change.objects.get().state == state
    assert refused(job, code)
    assert withdrawn(job)
    assert len(line.sent) == 1


def test_it_takes_a_cancelled_job_out_of_the_queue_at_once(
    job: Job, line: Line, cancel: Callable[[], Any]
) -> None:
    line.queued = {job.pk}
    answer = cancel()
    assert (answer.status, answer.json["state"]) == (200, "withdrawn")
    assert (line.sent, line.queued) == ([], set())
    assert withdrawn(job)


def test_it_takes_the_second_entry_back_when_the_host_knows_nothing(
    job: Job, line: Line, cancel: Callable[[], Any]
) -> None:
    cancel()
    line.queued = {job.pk}
    assert refused(job)
    assert line.queued == set()
    assert withdrawn(job)


def test_it_sends_no_job_that_was_cancelled(
    job: Job, line: Line, cancel: Callable[[], Any]
) -> None:
    Job.objects.update(dispatched_at=None)
    cancel()
    line.sent.clear()
    assert not job_dispatch(job=job)
    assert sweeps.jobs_send() == 0
    assert line.sent == []
    assert Change.objects.get().state == State.APPROVED


def test_it_ends_a_cancelled_job_that_was_never_sent(
    job: Job, line: Line, cancel: Callable[[], Any]
) -> None:
    Job.objects.update(dispatched_at=None)
    line.away = True
    assert (cancel().status, Change.objects.get().state) == (200, State.APPROVED)
    Job.objects.update(cancel_asked_at=timezone.now() - LATE)
    assert sweeps.jobs_settle() == 0
    line.away = False
    assert sweeps.jobs_settle() == 1
    assert withdrawn(job)
    assert line.sent == []


def test_it_gives_a_host_that_has_it_after_all_time_to_say_so(
    job: Job, line: Line, cancel: Callable[[], Any]
) -> None:
    Job.objects.update(dispatched_at=None)
    cancel()
    assert sweeps.jobs_settle() == 0
    assert Change.objects.get().state == State.APPROVED


def test_it_ends_it_later_when_the_broker_is_away(
    job: Job, line: Line, cancel: Callable[[], Any]
) -> None:
    cancel()
    line.away = True
    assert not refused(job)
    assert Change.objects.get().state == State.APPROVED
    line.away = False
    assert sweeps.jobs_send() == 0
    line.queued = {job.pk}
    assert sweeps.jobs_settle() == 1
    assert withdrawn(job)


def test_it_cancels_nothing_that_was_sent_while_the_broker_is_away(
    job: Job, line: Line, cancel: Callable[[], Any]
) -> None:
    line.away = True
    assert cancel().status == 503
    job.refresh_from_db()
    assert job.cancel_asked_at is None
    assert len(history(job.change)) == 1
    assert not Entry.objects.filter(action="change.cancelled").exists()


def test_it_sends_a_job_once(job: Job, line: Line) -> None:
    assert not job_dispatch(job=job)
    assert line.sent == []
