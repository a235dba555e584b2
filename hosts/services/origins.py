"""Through whom a host came to be another: a change of ours, or somebody outside Dockernet."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import frozen
from django.db.models import Q

from hosts.models import Host, Observation
from netops.models import Job
from netops.states import AT_REST, State

# A look is taken before its report arrives; a report may have waited for the broker this long.
SLACK, WAITED = timedelta(minutes=1), timedelta(minutes=10)


@frozen
class Origin:
    """One of Observation.Origin, and the number of the change that ran (None: none did)."""

    word: str
    change_id: int | None = None


def origin_of(
    *, host: Host, before: datetime | None, looked: datetime | None, at: datetime
) -> Origin:
    """Return through whom the host changed between two looks at it.

    `before` is when the earlier report arrived (None: there was none), `looked` when the host says
    that it took it, `at` when the later report arrived. A job that ran in between explains it; one
    that ended shortly before, or whose end nobody knows, leaves it unknown.
    """
    if before is None:
        return Origin(Observation.Origin.UNKNOWN)
    since = before - _slack(before, looked)
    jobs = (
        Job.objects.filter(change__host=host, created_at__lte=at)
        .exclude(dispatched_at=None, started_at=None)
        .filter(Q(finished_at=None) | Q(finished_at__gte=since))
        .select_related("change")
        .defer("result", "change__plan")
        .order_by("-created_at")
    )
    job = jobs.first()
    if job is None:
        return Origin(Observation.Origin.OUTSIDE)
    lost = job.finished_at is None and job.change.state in (*AT_REST, State.UNKNOWN)
    early = job.finished_at is not None and job.finished_at < before
    sure = job.started_at is not None and job.started_at <= at and not lost and not early
    word = Observation.Origin.CHANGE if sure else Observation.Origin.UNKNOWN
    return Origin(word, job.change_id)


def _slack(arrived: datetime, looked: datetime | None) -> timedelta:
    """How long before its arrival the earlier look may have been taken."""
    if looked is None or looked.tzinfo is None or looked > arrived + SLACK:
        return WAITED
    return min(WAITED, max(SLACK, arrived - looked + SLACK))
