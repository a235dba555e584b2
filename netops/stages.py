"""The way of a change in four stages, as the line of dots on its page shows it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from netops.models import Approval, Change, Job
from netops.states import State
from netops.words import StateWord
from policies.review import of_this_plan

DONE, NOW, STOPPED, AHEAD = "done", "now", "stopped", "ahead"

S = State
_OUTCOME = {
    S.SUCCEEDED: (_("Succeeded"), DONE, "good"),
    S.ROLLED_BACK: (_("Rolled back"), STOPPED, "warn"),
    S.FAILED: (_("Failed"), STOPPED, "bad"),
    S.STALE: (_("Stale"), STOPPED, "warn"),
    S.UNKNOWN: (_("Unknown"), NOW, "odd"),
    S.RUNNING: (_("Running"), NOW, "live"),
    S.APPROVED: (_("On its way to the host"), NOW, "live"),
    S.EXPIRED: (_("Expired"), STOPPED, "idle"),
}


@frozen
class Stage:
    """`status` is done, now, stopped or ahead; `tone` as of a state; `by` a person or ""."""

    name: str | Promise
    status: str
    tone: str = "idle"
    by: str = ""
    at: datetime | None = None


def stages_of(
    change: Change,
    approvals: Sequence[Approval],
    job: Job | None,
    *,
    broken: bool = False,
    word: StateWord | None = None,
) -> list[Stage]:
    """Return the four stages of a change: requested, planned, approved, carried out; `broken` when
    its job began without approvals (break-glass), `word` where its page knows more of a job that
    runs than the state says."""
    requester = str(change.requested_by)
    return [
        Stage(_("Requested"), DONE, "good", by=requester, at=change.created_at),
        _plan(change),
        _broken(change, job) if broken else _review(change, approvals, job),
        _job(change, job, word),
    ]


def _plan(change: Change) -> Stage:
    state = change.state
    if state == S.PLANNING:
        return Stage(_("Planning"), NOW, "live", by=change.host.name)
    if state == S.BLOCKED:
        name = _("No plan") if change.plan is None else _("Blocked")
        return Stage(name, STOPPED, "warn", by=change.host.name, at=change.planned_at)
    if change.plan is None:
        return Stage(_("No plan"), STOPPED)
    return Stage(_("Planned"), DONE, "good", by=change.host.name, at=change.planned_at)


def _review(change: Change, approvals: Sequence[Approval], job: Job | None) -> Stage:
    last = approvals[-1] if approvals else None
    state = change.state
    if state == S.REJECTED and last:
        return Stage(_("Rejected"), STOPPED, "bad", by=str(last.by), at=last.at)
    if state == S.AWAITING_APPROVAL:
        return Stage(_("Awaiting approval"), NOW, "warn")
    if state == S.WITHDRAWN:
        return Stage(_("Withdrawn"), STOPPED, at=change.updated_at)
    if state == S.EXPIRED and job is None:
        # It lacked approvals until its time was up, however many it had.
        return Stage(_("Expired"), STOPPED, at=change.updated_at)
    if last and of_this_plan(last, change):
        return Stage(_("Approved"), DONE, "good", by=str(last.by), at=last.at)
    return Stage(_("Approval"), AHEAD)


def _broken(change: Change, job: Job | None) -> Stage:
    at = job.created_at if job else None
    return Stage(_("Glass broken"), STOPPED, "bad", by=change.break_glass_by, at=at)


def _job(change: Change, job: Job | None, word: StateWord | None) -> Stage:
    if job is None or change.state not in _OUTCOME:
        return Stage(_("Carried out"), AHEAD)
    name, status, tone = _OUTCOME[State(change.state)]
    if word is not None and change.state == S.RUNNING:
        return Stage(word.label, status, word.tone, by=change.host.name, at=job.started_at)
    at = job.finished_at or job.started_at
    return Stage(name, status, tone, by=change.host.name, at=at)
