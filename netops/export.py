"""The history of changes as a file, in pieces (audit/export.py)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils.translation import override

from audit.export import chunks, csv_lines
from netops.kinds import target_of
from netops.models import Approval, Change, Job
from policies.review import of_this_plan

COLUMNS = (
    "id",
    "requested_at",
    "host",
    "environment",
    "kind",
    "target",
    "reason",
    "state",
    "requested_by",
    "approved_by",
    "rejected_by",
    "break_glass_by",
    "started_at",
    "finished_at",
    "outage_s",
    "reverts",
    "spec",
)


def _with_ends(changes: QuerySet[Change]) -> QuerySet[Change]:
    """Add who judged them and how their jobs went: two queries more for each piece."""
    judged = Prefetch("approvals", Approval.objects.select_related("by"))
    jobs = Prefetch("jobs", Job.objects.defer("result"))
    return changes.prefetch_related(judged, jobs)


def change_row(change: Change) -> dict[str, Any]:
    """Return a change as plain JSON data, with the names of COLUMNS; times are ISO 8601 in UTC."""
    job = next(iter(change.jobs.all()), None)
    judged: dict[str, list[str]] = {"approved": [], "rejected": []}
    for approval in change.approvals.all():
        # What was said of an earlier plan had no part in what was carried out.
        rejected = approval.decision == Approval.Decision.REJECTED
        if rejected or of_this_plan(approval, change):
            judged.setdefault(approval.decision, []).append(approval.by.username)
    return {
        "id": change.pk,
        "requested_at": _time(change.created_at),
        "host": change.host.name,
        "environment": change.host.environment,
        "kind": change.kind,
        "target": _target(change),
        "reason": change.reason,
        "state": str(change.state),
        "requested_by": change.requested_by.username,
        "approved_by": judged["approved"],
        "rejected_by": judged["rejected"],
        "break_glass_by": change.break_glass_by,
        "started_at": _time(job.started_at) if job else "",
        "finished_at": _time(job.finished_at) if job else "",
        "outage_s": job.outage_s if job else None,
        "reverts": change.reverts_id,
        "spec": change.spec,
    }


def _time(at: datetime | None) -> str:
    return at.isoformat().replace("+00:00", "Z") if at else ""


def _cells(change: Change) -> list[object]:
    """The same for a spreadsheet: names with commas, nothing for what is not known."""
    row = change_row(change)
    names = {key: ", ".join(row[key]) for key in ("approved_by", "rejected_by")}
    return ["" if value is None else value for value in {**row, **names}.values()]


async def csv_export(changes: QuerySet[Change]) -> AsyncIterator[str]:
    """Yield the lines of a CSV file (RFC 4180), oldest change first."""
    yield csv_lines([COLUMNS])
    async for chunk in chunks(_with_ends(changes)):
        yield csv_lines(_cells(change) for change in chunk)


async def json_export(changes: QuerySet[Change]) -> AsyncIterator[str]:
    """Yield a JSON document: a list with one object on each line, oldest change first."""
    yield "["
    mark = "\n"
    async for chunk in chunks(_with_ends(changes)):
        for change in chunk:
            yield mark + json.dumps(change_row(change), ensure_ascii=False)
            mark = ",\n"
    yield "\n]\n"


def _target(change: Change) -> str:
    # A file is the same whoever takes it.
    with override("en"):
        return target_of(change)
