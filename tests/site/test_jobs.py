"""Jobs that are refused, lost, late or never left; and what else the sweeps put right."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from hosts.models import Host
from hosts.services import broker_access, dispatch, offline_mark
from hosts.services.broker_access import BrokerAway
from netops.models import Change, Event, Job
from netops.services import sweeps
from netops.services.jobs import job_refusal_store, jobs_alive
from netops.states import State
from netops.wire import ApplyRequest, JobRefused, PlanRequest, ResendRequest
from people.models import User
from tests.site.line import Line
from tests.site.rows import change_row, history, host_row, job_row

pytestmark = pytest.mark.django_db


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


def job_in(people: dict[str, User], state: State, created_ago_s: float = 60, **fields: Any) -> Job:
    job = job_row(change_row(host_row(), people["alice"], state), **fields)
    Job.objects.filter(pk=job.pk).update(created_at=ago(created_ago_s))
    job.refresh_from_db()
    return job


def state_of(job: Job) -> str:
    return Change.objects.get(pk=job.change_id).state


def test_it_sends_what_the_broker_did_not_take(people: dict[str, User], line: Line) -> None:
    job = job_in(people, State.APPROVED)
    line.away = True
    assert sweeps.jobs_send() == 0
    line.away = False
    assert sweeps.jobs_send() == 1
    [request] = line.sent
    assert isinstance(request, ApplyRequest)
    plan = job.change.current_plan
    assert plan is not None
    assert (request.job_id, request.plan, request.spec) == (job.pk, plan, plan.spec)
    assert request.expires_at == job.expires_at.isoformat()
    assert sweeps.jobs_send() == 0


def test_it_sends_no_job_that_is_too_old(people: dict[str, User], line: Line) -> None:
    job_in(people, State.APPROVED, expires_at=ago(1))
    assert sweeps.jobs_send() == 0
    assert line.sent == []


def test_it_expires_a_job_that_no_host_fetched(people: dict[str, User], line: Line) -> None:
    job = job_in(people, State.APPROVED, expires_at=ago(1), dispatched_at=ago(600))
    line.queued = {job.pk}
    assert sweeps.jobs_settle() == 1
    assert state_of(job) == State.EXPIRED
    assert line.queued == set()
    assert history(job.change)[-1][1:] == ("end", "expired")


def test_it_expires_no_job_that_a_host_may_have(people: dict[str, User], line: Line) -> None:
    job = job_in(people, State.APPROVED, expires_at=ago(1), dispatched_at=ago(600))
    assert sweeps.jobs_settle() == 0
    assert state_of(job) == State.APPROVED
    [asked] = line.sent
    assert asked == ResendRequest(job.pk, 0)


def test_it_marks_a_silent_job_unknown_and_says_so_once(
    people: dict[str, User], line: Line
) -> None:
    job = job_in(people, State.RUNNING, last_seq=3, started_at=ago(90), alive_at=ago(31))
    assert sweeps.jobs_settle() == 1
    assert state_of(job) == State.UNKNOWN
    assert history(job.change)[-1][1:] == ("state", "unknown")
    sweeps.jobs_settle()
    assert Event.objects.filter(data__state="unknown").count() == 1


def test_it_leaves_a_job_alone_whose_host_says_that_it_works(
    people: dict[str, User], line: Line
) -> None:
    job = job_in(people, State.RUNNING, last_seq=3, started_at=ago(90), alive_at=ago(31))
    jobs_alive(running={job.change.host_id: job.pk})
    assert sweeps.jobs_settle() == 0
    assert state_of(job) == State.RUNNING


def test_it_hears_that_a_lost_job_goes_on(people: dict[str, User], line: Line) -> None:
    job = job_in(people, State.UNKNOWN, last_seq=3, started_at=ago(90), alive_at=ago(60))
    jobs_alive(running={job.change.host_id: job.pk})
    assert state_of(job) == State.RUNNING
    assert history(job.change)[-1][1:] == ("state", "running")


@pytest.mark.parametrize("state", [State.APPROVED, State.RUNNING, State.UNKNOWN])
def test_it_ends_a_job_whose_host_was_revoked(
    people: dict[str, User], line: Line, state: State
) -> None:
    job = job_in(people, state)
    Host.objects.update(revoked_at=timezone.now(), secret="")
    assert sweeps.jobs_send() == 0
    assert line.sent == []
    assert sweeps.jobs_settle() == 1
    assert state_of(job) == State.FAILED
    assert [kind for _, kind, _ in history(job.change)][-2:] == ["state", "end"]
    assert sweeps.jobs_settle() == 0


def test_it_asks_the_journal_of_a_host_that_is_back(people: dict[str, User], line: Line) -> None:
    job = job_in(people, State.UNKNOWN, last_seq=3, started_at=ago(90), alive_at=ago(60))
    for _ in range(3):
        sweeps.jobs_settle()
    assert line.sent == [ResendRequest(job.pk, 3)]


@pytest.mark.parametrize(
    ("code", "expires_in_s", "state"),
    [
        ("expired", 60, State.EXPIRED),
        ("unknown-job", -1, State.EXPIRED),
        ("busy", -1, State.EXPIRED),
        ("unknown-job", 60, State.APPROVED),
        ("busy", 60, State.APPROVED),
        ("replayed", 60, State.APPROVED),
        ("ended", 60, State.APPROVED),
        ("blocked", 60, State.STALE),
        ("altered", 60, State.STALE),
        ("malformed", 60, State.STALE),
    ],
)
def test_it_takes_a_refusal_for_what_it_is(
    people: dict[str, User], line: Line, code: str, expires_in_s: int, state: State
) -> None:
    job = job_in(people, State.APPROVED, expires_at=ago(-expires_in_s), dispatched_at=ago(5))
    job_refusal_store(host=job.change.host, refused=JobRefused(code, "No.\x00", job.pk))
    assert state_of(job) == state
    rows = history(job.change)
    if state == State.APPROVED:
        assert len(rows) == 1
    else:
        assert [row[1:] for row in rows[1:]] == [("state", state), ("end", state)]
    assert sweeps.jobs_send() == (1 if code in ("busy", "unknown-job") and len(rows) == 1 else 0)


def test_it_heeds_no_refusal_of_a_job_that_runs(people: dict[str, User], line: Line) -> None:
    job = job_in(people, State.RUNNING, last_seq=2)
    for code in ("replayed", "expired", "unknown-job", "busy"):
        job_refusal_store(host=job.change.host, refused=JobRefused(code, "No.", job.pk))
    assert state_of(job) == State.RUNNING


def test_it_heeds_no_refusal_of_another_host(people: dict[str, User], line: Line) -> None:
    job = job_in(people, State.APPROVED)
    job_refusal_store(host=host_row("thief"), refused=JobRefused("expired", "No.", job.pk))
    assert state_of(job) == State.APPROVED


def test_it_needs_a_person_when_the_journal_is_gone(people: dict[str, User], line: Line) -> None:
    job = job_in(people, State.UNKNOWN, last_seq=3)
    job_refusal_store(host=job.change.host, refused=JobRefused("unknown-job", "No.", job.pk))
    assert state_of(job) == State.FAILED
    assert history(job.change)[-1][1:] == ("end", "failed")


def test_it_repeats_a_plan_request_that_never_left(people: dict[str, User], line: Line) -> None:
    change = change_row(host_row(), people["alice"])
    Change.objects.update(updated_at=ago(5))
    line.away = True
    assert sweeps.plans_ask_again() == 0
    line.away = False
    assert sweeps.plans_ask_again() == 1
    assert sweeps.plans_ask_again() == 0
    Change.objects.update(plan_asked_at=ago(31))
    line.queued = {"something"}
    assert sweeps.plans_ask_again() == 0
    line.queued = set()
    assert sweeps.plans_ask_again() == 1
    assert [type(body) for body in line.sent] == [PlanRequest, PlanRequest]
    assert line.sent[0].change_id == change.pk


@pytest.mark.parametrize("answers", [True, False])
def test_one_hosts_queue_at_fault_does_not_keep_plans_from_the_others(
    people: dict[str, User], line: Line, monkeypatch: pytest.MonkeyPatch, answers: bool
) -> None:
    """But a broker that is away is asked once, not once for each change."""
    for name in ("web-1", "web-2", "web-3"):
        change_row(host_row(name), people["alice"])
    Change.objects.update(updated_at=ago(60), plan_asked_at=ago(31))
    asked: list[str] = []

    def waiting(*, host: Host) -> int:
        asked.append(host.name)
        if len(asked) == 1:
            raise BrokerAway()
        return 0

    monkeypatch.setattr(dispatch, "waiting", waiting)
    monkeypatch.setattr(broker_access, "answers", lambda: answers)
    assert sweeps.plans_ask_again() == (2 if answers else 0)
    assert len(asked) == (3 if answers else 1)
    assert len(line.sent) == (2 if answers else 0)
    assert Change.objects.filter(state=State.PLANNING).count() == 3


@pytest.mark.parametrize(
    ("state", "limit"),
    [(State.PLANNING, "PLANNING_EXPIRES_S"), (State.AWAITING_APPROVAL, "APPROVAL_EXPIRES_S")],
)
def test_it_expires_what_waits_too_long(
    people: dict[str, User], settings: Any, state: State, limit: str
) -> None:
    change = change_row(host_row(), people["alice"], state)
    assert sweeps.changes_expire() == 0
    Change.objects.update(updated_at=ago(getattr(settings, limit) + 1))
    assert sweeps.changes_expire() == 1
    assert sweeps.changes_expire() == 0
    assert history(change)[-1][1:] == ("end", "expired")


def test_it_notes_once_that_a_host_went_silent(db: None) -> None:
    host_row("quiet", last_seen_at=ago(31))
    host_row("loud")
    assert offline_mark() == 1
    assert offline_mark() == 0
    assert Host.objects.get(went_offline_at__isnull=False).name == "quiet"
