"""Reads of what stands around a change on its page: comments, former plans, earlier outages."""

from __future__ import annotations

from django.db import close_old_connections
from django.db.models import QuerySet

from netops.models import Change, Comment, Job, PlanVersion
from netops.states import HOLDING, State

OUTAGES_SHOWN = 3
_UNDOING = (State.PLANNING, State.BLOCKED, State.SUCCEEDED)


def change_comments(*, change: Change) -> QuerySet[Comment]:
    """Return what people said about a change, oldest first, with who said it."""
    return Comment.objects.filter(change=change).select_related("by")


def newest_comment(*, change_id: int) -> int:
    """Return the number of the newest comment on a change, 0 where there is none. Closes what it
    opened: it is called from streams that last."""
    try:
        found = (
            Comment.objects.filter(change_id=change_id).order_by("-pk").values_list("pk").first()
        )
        return found[0] if found else 0
    finally:
        close_old_connections()


def plan_versions(*, change: Change) -> list[PlanVersion]:
    """Return the plans that a change has had, oldest first; one query."""
    return list(PlanVersion.objects.filter(change=change))


def earlier_outages(*, change: Change, job: Job | None) -> list[float]:
    """Return how long services were away (seconds) in the newest changes of that kind that
    succeeded on the same host, newest first: before its own latest job, once it has one."""
    jobs = Job.objects.filter(
        change__host_id=change.host_id,
        change__kind=change.kind,
        change__state=State.SUCCEEDED,
        outage_s__isnull=False,
    ).exclude(change=change)
    if job is not None:
        jobs = jobs.filter(created_at__lt=job.created_at)
    found = jobs.order_by("-created_at").values_list("outage_s", flat=True)[:OUTAGES_SHOWN]
    return [seconds for seconds in found if seconds is not None]


def made_again(*, change: Change) -> list[int]:
    """Return the numbers of the changes that were made from this one's request, the last few."""
    again = Change.objects.filter(made_from=change).order_by("-pk")
    return sorted(again.values_list("pk", flat=True)[:5])


def undone_by(*, change: Change) -> Change | None:
    """Return the newest change that undid this one, or may still do so; None for none."""
    undoing = Change.objects.filter(reverts=change, state__in=[*HOLDING, *_UNDOING])
    return undoing.only("pk", "state", "reverts_id").order_by("-pk").first()
