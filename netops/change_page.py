"""All that the page of a change shows, gathered once: its page, its fragments and its stream."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address

from attrs import frozen

from netops.difference import Difference
from netops.engine.desired import KINDS
from netops.engine.plan import BLOCKER, INFO, WARNING, Finding, Plan
from netops.event_row import EventRow
from netops.kinds import differences_of, sentence_of
from netops.models import Approval, Change, Job
from netops.nat_scenes import scene_of_plan
from netops.nat_way import Way, ways_of
from netops.presenters import left_of
from netops.record import Record, record_of
from netops.rules_diff import RulesDiff, rules_diff
from netops.stages import Stage, stages_of
from netops.states import REPLANNABLE, UNDER_WAY, WITHDRAWABLE, State
from people.models import User

REQUEST_AGAIN = (
    State.BLOCKED,
    State.STALE,
    State.REJECTED,
    State.WITHDRAWN,
    State.EXPIRED,
    State.ROLLED_BACK,
)


@frozen
class Move:
    """A container's address before, as foretold, and as found after the job ("": not known)."""

    name: str
    before: str
    expected: str
    found: str

    @property
    def as_expected(self) -> bool:
        """True unless it was found elsewhere than foretold."""
        return not self.found or self.found == self.expected


@frozen
class Allowed:
    """What this reader may do now. `why_not` is one sentence for those who may not approve."""

    approve: bool
    withdraw: bool
    cancel: bool
    confirm: bool
    replan: bool
    revert: bool
    again: bool
    why_not: str = ""


@frozen
class ChangePage:
    """A change with everything around it. `acceptable` are codes of blockers that the requester
    may take the risk of; `rules` and `ways` are of plans that set rules, `left` has the commands
    that a failed job left to do by hand."""

    change: Change
    sentence: str
    plan: Plan | None
    record: Record
    stages: list[Stage]
    approvals: Sequence[Approval]
    job: Job | None
    findings: list[Finding]
    acceptable: list[str]
    differences: list[Difference]
    rules: RulesDiff | None
    ways: tuple[Way, ...]
    moves: list[Move]
    allowed: Allowed
    left: list[str]
    events: Sequence[EventRow]

    @property
    def blockers(self) -> int:
        """How many findings forbid the plan."""
        return sum(f.severity == BLOCKER for f in self.findings)

    @property
    def verdict(self) -> Approval | None:
        """The last judgement, None before there is one."""
        return self.approvals[-1] if self.approvals else None

    @property
    def awaits_confirm(self) -> bool:
        """True while the host waits for a person."""
        return awaits_confirm(self.change, self.job)

    @property
    def found_moves(self) -> bool:
        """True when addresses after the job are known."""
        return any(move.found for move in self.moves)

    @property
    def stale_differences(self) -> list[str]:
        """What differed from the plan when the job began, in sentences."""
        return self.record.stale_differences


def change_page(
    *,
    change: Change,
    approvals: Sequence[Approval],
    job: Job | None,
    events: Sequence[EventRow],
    user: User,
) -> ChangePage:
    """Return what the page of a change shows to a reader. Reads nothing from the database."""
    plan = change.current_plan
    findings = _by_severity(plan.findings) if plan else []
    record = record_of(plan.steps if plan else (), events)
    scene = scene_of_plan(plan) if plan else None
    return ChangePage(
        change=change,
        sentence=sentence_of(change),
        plan=plan,
        record=record,
        stages=stages_of(change, approvals, job),
        approvals=approvals,
        job=job,
        findings=findings,
        acceptable=_acceptable(change, findings),
        differences=differences_of(plan) if plan else [],
        rules=rules_diff(plan) if plan else None,
        ways=ways_of(scene) if scene else (),
        moves=_moves(plan, job),
        allowed=_allowed(change, job, user),
        left=left_of(job) if job and change.state == State.FAILED else [],
        events=events,
    )


def _by_severity(findings: Sequence[Finding]) -> list[Finding]:
    order = {BLOCKER: 0, WARNING: 1, INFO: 2}
    return sorted(findings, key=lambda f: order.get(f.severity, 3))


def _acceptable(change: Change, findings: Sequence[Finding]) -> list[str]:
    entry = KINDS.get(change.kind)
    codes = entry.acceptable if entry else ()
    return sorted({f.code for f in findings if f.severity == BLOCKER and f.code in codes})


def _moves(plan: Plan | None, job: Job | None) -> list[Move]:
    told = (job.result or {}).get("containers") if job else None
    rows = [row for row in told if isinstance(row, dict)] if isinstance(told, list) else []
    found = {str(row.get("name")): row for row in rows}
    planned = plan.containers if plan else ()
    moves = [
        Move(c.name, _text(c.from_), _text(c.to), _text(found.get(c.name, {}).get("to")))
        for c in planned
    ]
    names = {move.name for move in moves}
    late = [row for name, row in found.items() if name not in names]
    return moves + [
        Move(str(r.get("name")), _text(r.get("from")), "", _text(r.get("to"))) for r in late
    ]


def _text(address: IPv4Address | str | None) -> str:
    return str(address) if address else ""


def _allowed(change: Change, job: Job | None, user: User) -> Allowed:
    state, may_request = change.state, user.can_request()
    stoppable = may_request and job is not None and state in UNDER_WAY
    stoppable = stoppable and not (job.cancel_asked_at or job.confirmed_at)  # type: ignore[union-attr]
    why_not = _why_not(change, user)
    return Allowed(
        approve=state == State.AWAITING_APPROVAL and not why_not,
        withdraw=may_withdraw(change, user) and state in (*WITHDRAWABLE, State.APPROVED),
        cancel=stoppable,
        confirm=stoppable and awaits_confirm(change, job),
        replan=may_request and state in REPLANNABLE,
        revert=may_request and state == State.SUCCEEDED,
        again=may_request and state in REQUEST_AGAIN,
        why_not=why_not if state == State.AWAITING_APPROVAL else "",
    )


def awaits_confirm(change: Change, job: Job | None) -> bool:
    """True while all is done and the host waits for a person to say that it shall stay so."""
    return (
        change.confirm == Change.Confirm.PERSON
        and change.state == State.RUNNING
        and job is not None
        and bool(job.confirm_nonce)
        and not (job.confirmed_at or job.cancel_asked_at)
    )


def may_withdraw(change: Change, user: User) -> bool:
    """True for who asked for the change, and for admins."""
    return user.can_request() and (user.is_site_admin or change.requested_by_id == user.pk)


def _why_not(change: Change, user: User) -> str:
    if change.requested_by_id == user.pk:
        return "You asked for this change, so somebody else has to judge it."
    if not user.can_approve():
        return f"Your role ({user.get_role_display().lower()}) does not judge changes."
    return ""
