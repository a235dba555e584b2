"""Through whom a host's network changed: said only where it is known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from django.utils import timezone

from hosts.models import Host, Observation
from hosts.selectors import observation_list
from hosts.services import observation_store
from netops.engine.observed import Observed
from netops.models import Job
from netops.services.events import job_events_store
from netops.wire import JobEvent
from tests.pages import world
from tests.pages.host_example import observed

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
MOVED = "docker0: 172.17.0.1/16 → 10.1.0.1/24."


def seen_again(host: Host, seen: Observed) -> Observation:
    """The first look was five minutes ago, the second is now."""
    now = timezone.now()
    first = evolve(observed(), at=(now - 5 * MINUTE).isoformat())
    Host.objects.filter(pk=host.pk).update(observed=None, observed_at=None)
    observation_store(host=host, observed=first, cause="start", at=now - 5 * MINUTE)
    observation_store(host=host, observed=seen, cause="changed", at=now)
    return observation_list(host=host)[0]


def job_of(host: Host, **fields: Any) -> Job:
    alice, bob = world.user("alice", "operator"), world.user("bob", "approver")
    told = world.Story(host, alice).planned().judged(bob).began()
    assert told.job is not None
    Job.objects.filter(pk=told.job.pk).update(**fields)
    return told.job


def test_it_says_that_nothing_of_ours_ran() -> None:
    row = seen_again(world.host("web-1"), observed(subnet="10.1.0.0/24"))
    assert (row.origin, row.change_id) == ("outside", None)
    assert MOVED in row.fact_lines
    assert not any(line.startswith("Container") for line in row.fact_lines)


def test_it_names_the_change_that_ran() -> None:
    host, now = world.host("web-1"), timezone.now()
    times = {"created_at": now - 4 * MINUTE, "started_at": now - 3 * MINUTE}
    job = job_of(host, **times, finished_at=now - MINUTE)
    row = seen_again(host, observed(subnet="10.1.0.0/24"))
    assert (row.origin, row.change_id) == ("change", job.change_id)


@pytest.mark.parametrize(
    ("minutes", "origin"), [(4.9, "change"), (5.5, "unknown"), (7.5, "outside"), (60, "outside")]
)
def test_it_does_not_guess_about_a_job_that_ended_before(minutes: float, origin: str) -> None:
    host, now = world.host("web-1"), timezone.now()
    end = now - timedelta(minutes=minutes)
    job_of(host, created_at=end - MINUTE, started_at=end - MINUTE, finished_at=end)
    assert seen_again(host, observed(subnet="10.1.0.0/24")).origin == origin


def test_it_does_not_guess_about_a_job_that_was_lost() -> None:
    host, now = world.host("web-1"), timezone.now()
    job = job_of(host, created_at=now - 9 * MINUTE, started_at=now - 8 * MINUTE)
    type(job.change).objects.filter(pk=job.change_id).update(state="unknown")
    row = seen_again(host, observed(subnet="10.1.0.0/24"))
    assert (row.origin, row.change_id) == ("unknown", job.change_id)


def test_another_host_explains_nothing() -> None:
    now = timezone.now()
    job_of(world.host("web-2"), created_at=now - 2 * MINUTE, started_at=now - 2 * MINUTE)
    assert seen_again(world.host("web-1"), observed(subnet="10.1.0.0/24")).origin == "outside"


def test_containers_that_come_and_go_are_no_alarm() -> None:
    row = seen_again(world.host("web-1"), observed(containers=2))
    assert "Container app-3 is gone." in row.summary
    assert (row.origin, row.facts) == ("", "")


def test_the_first_look_has_no_origin() -> None:
    host = world.host("web-1", observed=None)
    observation_store(host=host, observed=observed(), cause="start")
    assert (Observation.objects.get().origin, Observation.objects.get().facts) == ("", "")


def event(job: Job, seq: int, type_: str, at: datetime, **data: str) -> JobEvent:
    return JobEvent(job.pk, job.change_id, seq, at.isoformat(), type_, message="x", data=data)


@pytest.mark.parametrize("hours", [-1, 1])
def test_it_knows_our_change_on_a_host_whose_clock_is_wrong(hours: int) -> None:
    host, now = world.host("web-1"), timezone.now()
    job = job_of(host, created_at=now - 4 * MINUTE, started_at=None)
    at, arrived = now + timedelta(hours=hours), now - 2 * MINUTE
    events = [event(job, 1, "state", at, state="running"), event(job, 2, "end", at, state="failed")]
    job_events_store(host=host, job_id=job.pk, events=events, arrived=(arrived, arrived))
    row = seen_again(host, observed(subnet="10.1.0.0/24"))
    assert (row.origin, row.change_id) == ("change", job.change_id)


@pytest.mark.parametrize("late", [False, True])
def test_a_change_undone_at_the_console_is_not_from_outside(late: bool) -> None:
    host, now = world.host("web-1"), timezone.now()
    job = job_of(host, created_at=now - timedelta(hours=3), started_at=None)
    then = now - timedelta(hours=2)
    done = [event(job, 1, "state", then, state="running")]
    done += [event(job, 2, "end", then, state="succeeded")]
    job_events_store(host=host, job_id=job.pk, events=done, arrived=(then, then))
    back = [event(job, 3, "rollback_started", now), event(job, 4, "end", now, state="rolled_back")]
    if late:
        assert seen_again(host, observed(subnet="10.1.0.0/24")).origin == "outside"
    job_events_store(host=host, job_id=job.pk, events=back, arrived=(now - MINUTE, now - MINUTE))
    row = Observation.objects.first() if late else seen_again(host, observed(subnet="10.1.0.0/24"))
    assert row is not None
    assert (row.origin, row.change_id) == ("unknown" if late else "change", job.change_id)
    assert MOVED in row.fact_lines


def test_of_two_jobs_it_names_the_one_that_ran() -> None:
    host, now = world.host("web-1"), timezone.now()
    times = {"created_at": now - 4 * MINUTE, "started_at": now - 3 * MINUTE}
    ran = job_of(host, **times, finished_at=now - 2 * MINUTE)
    type(ran.change).objects.filter(pk=ran.change_id).update(state="succeeded")
    sent = {"created_at": now - MINUTE, "dispatched_at": now - MINUTE, "started_at": None}
    job_of(host, **sent)
    row = seen_again(host, observed(subnet="10.1.0.0/24"))
    assert (row.origin, row.change_id) == ("change", ran.change_id)
