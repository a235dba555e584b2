"""Jobs that a host fetched without a word, and jobs that never left: none is approved for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from hosts.models import Host
from netops.models import Change, Job
from netops.services import sweeps
from netops.services.events import job_events_store
from netops.services.jobs import job_refusal_store
from netops.states import State
from netops.wire import ApplyRequest, JobEvent, JobRefused
from people.models import User
from tests.site.line import Line
from tests.site.rows import change_row, history, host_row, job_row

pytestmark = pytest.mark.django_db


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


@pytest.fixture
def job(people: dict[str, User], line: Line) -> Job:
    """A job that was sent a while ago; its host is as silent."""
    host = host_row("web-1", last_seen_at=ago(60))
    job = job_row(change_row(host, people["alice"], State.APPROVED), dispatched_at=ago(60))
    Job.objects.update(created_at=ago(90))
    return job


def settled(state: State) -> None:
    """After the sweep the change is in that state; otherwise nothing has changed."""
    assert sweeps.jobs_settle() == (state != State.APPROVED)
    change = Change.objects.get()
    assert change.state == state
    assert len(history(change)) == 1 + (state != State.APPROVED)


def test_it_marks_a_job_unknown_that_a_silent_host_has(job: Job) -> None:
    settled(State.UNKNOWN)
    last = Change.objects.get().events.order_by("seq").last()
    assert last is not None
    assert last.message == "The host has the job and is silent."
    assert sweeps.jobs_settle() == 0
    assert Change.objects.get().holds_host


def test_it_leaves_a_job_approved_that_the_host_has_not_fetched(job: Job, line: Line) -> None:
    line.queued = {job.pk}
    settled(State.APPROVED)
    assert line.queued == {job.pk}


def test_it_leaves_a_job_approved_while_the_broker_is_away(job: Job, line: Line) -> None:
    line.away = True
    settled(State.APPROVED)


@pytest.mark.parametrize("fields", [{"dispatched_at": None}, {"dispatched_at": 5}])
def test_it_leaves_a_job_approved_that_may_be_under_way(fields: dict[str, Any], job: Job) -> None:
    Job.objects.update(dispatched_at=fields["dispatched_at"] and ago(5))
    settled(State.APPROVED)


def test_it_leaves_a_job_approved_whose_host_is_heard_from(job: Job) -> None:
    Host.objects.update(last_seen_at=ago(5))
    settled(State.APPROVED)


def test_it_hears_of_it_when_the_host_is_back(job: Job) -> None:
    settled(State.UNKNOWN)
    at = timezone.now().isoformat()
    end = JobEvent(job.pk, job.change_id, 1, at, "end", None, "", {"state": "rolled_back"})
    assert job_events_store(host=job.change.host, job_id=job.pk, events=[end]) == 1
    assert Change.objects.get().state == State.ROLLED_BACK


def test_it_sends_it_again_when_the_host_never_had_it(job: Job, line: Line) -> None:
    settled(State.UNKNOWN)
    job_refusal_store(host=job.change.host, refused=JobRefused("unknown-job", "No.", job.pk))
    assert sweeps.jobs_send() == 1
    assert [type(body) for body in line.sent] == [ApplyRequest]


def test_it_expires_a_job_that_was_never_sent(job: Job, line: Line) -> None:
    Job.objects.update(dispatched_at=None, expires_at=ago(1))
    line.away = True
    settled(State.APPROVED)
    line.away = False
    assert sweeps.jobs_settle() == 1
    assert history(Change.objects.get())[-1][1:] == ("end", "expired")
    job.refresh_from_db()
    assert job.finished_at is not None
    assert line.sent == []
