"""Through whom a host came to be another: a change of ours, or somebody outside Dockernet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from attrs import frozen
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from hosts.models import Host, Observation
from netops.models import Job
from netops.states import AT_REST, State

# A look is taken before its report arrives; a report may have waited for the broker this long.
SLACK, WAITED = timedelta(minutes=1), timedelta(minutes=10)
_JOBS = 5


@frozen
class Origin:
    """One of Observation.Origin, and the number of the change that ran (None: none did)."""

    word: str
    change_id: int | None = None


def origin_of(
    *, host: Host, before: datetime | None, looked: datetime | None, at: datetime
) -> Origin:
    """Return through whom the host changed between two looks at it.

    All times are of the site's clock, but for `looked`, when the host says that it took the earlier
    look. `before` is when that report arrived (None: there was none), `at` when the later one did.
    A job that ran in between explains it; one that ended shortly before, or whose end nobody knows,
    leaves it unknown.
    """
    if before is None:
        return Origin(Observation.Origin.UNKNOWN)
    since = before - _slack(before, looked)
    jobs = list(_jobs(host, since, at)[:_JOBS])
    if not jobs:
        return Origin(Observation.Origin.OUTSIDE)
    for job in jobs:
        if _surely_ran(job, before, at):
            return Origin(Observation.Origin.CHANGE, job.change_id)
    return Origin(Observation.Origin.UNKNOWN, jobs[0].change_id)


def _jobs(host: Host, since: datetime, at: datetime) -> QuerySet[Job]:
    """Jobs that may have been at work from `since` to `at`, the newest first.

    `begun` and `ended` are when the site heard of it: a host whose clock is wrong tells hours that
    never were. A job whose end the site itself brought about has its time in `finished_at`.
    """
    return (
        Job.objects.filter(change__host=host, created_at__lte=at)
        .exclude(dispatched_at=None, started_at=None)
        .annotate(
            begun=Coalesce("begin_heard_at", "started_at"),
            ended=Coalesce("end_heard_at", "finished_at"),
        )
        .filter(Q(finished_at=None) | Q(ended__gte=since))
        .select_related("change")
        .defer("result", "change__plan")
        .order_by("-created_at")
    )


def _surely_ran(job: Any, before: datetime, at: datetime) -> bool:
    """True if a job of `_jobs` was at work between two reports."""
    over = job.finished_at is not None
    lost = not over and job.change.state in (*AT_REST, State.UNKNOWN)
    early = over and job.ended < before
    return job.begun is not None and job.begun <= at and not lost and not early


def origins_doubt(*, host: Host, change_id: int) -> None:
    """A job was undone at the host's console: what a report that came before that word called
    outside may be its work. The facts stay; through whom is not known any more."""
    since = timezone.now() - WAITED
    rows = Observation.objects.filter(host=host, origin=Observation.Origin.OUTSIDE, at__gte=since)
    rows.update(origin=Observation.Origin.UNKNOWN, change_id=change_id)


def _slack(arrived: datetime, looked: datetime | None) -> timedelta:
    """How long before its arrival the earlier look may have been taken."""
    if looked is None or looked.tzinfo is None or looked > arrived + SLACK:
        return WAITED
    return min(WAITED, max(SLACK, arrived - looked + SLACK))
