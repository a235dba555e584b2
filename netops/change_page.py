"""All that the page of a change shows, gathered once: its page, its fragments and its stream."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from attrs import frozen
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from hosts.templatetags.times import seconds_text
from netops.allowed import Allowed, allowed_of, awaits_confirm
from netops.config_diff import ConfigDiff, config_diff
from netops.container_moves import Move, moves_of
from netops.difference import Difference
from netops.engine.desired import KINDS
from netops.engine.plan import BLOCKER, INFO, WARNING, Finding, Plan
from netops.event_row import EventRow
from netops.kinds import differences_of, sentence_of
from netops.models import Approval, Change, Comment, Job, PlanVersion
from netops.nat_scenes import scene_of_plan
from netops.nat_way import Way, ways_of
from netops.plan_since import Since, plan_since
from netops.presenters import left_of
from netops.record import Record, record_of
from netops.rules_diff import RulesDiff, rules_diff
from netops.stages import Stage, stages_of
from netops.states import State
from netops.timeline import Moment, timeline_of
from netops.words import StateWord, page_word
from people.models import User
from policies.review import of_this_plan
from policies.standing import Standing, Waiting


@frozen
class Judgement:
    """An approval or rejection; `note` says why it does not count for the plan that is shown."""

    approval: Approval
    note: str = ""


@frozen
class Glass:
    """Who broke the glass, why and when; `now` when it was for the plan and job that are shown."""

    by: str
    reason: str
    at: datetime
    now: bool


@frozen
class ChangePage:
    """A change with everything around it.

    `word` is where the change is. `acceptable` are codes of blockers that the requester may take
    the risk of; `rules` and `ways` are of plans that set rules, `config` of those that write
    dockerd's. `left` has the commands that a job left to do by hand, `outages` the seconds
    of earlier changes there. `waiting` is what the review lacks, while it waits; `since` is how the
    plan differs from a former one; `undone_by` is the change that took this one back, or is about
    to, `made_again` are the numbers of those that were made from its request.
    """

    change: Change
    sentence: str
    word: StateWord
    plan: Plan | None
    record: Record
    stages: list[Stage]
    judgements: list[Judgement]
    waiting: Waiting | None
    glass: Glass | None
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
    moments: list[Moment]
    config: ConfigDiff | None
    since: Since | None
    outages: list[float]
    undone_by: Change | None
    made_again: Sequence[int]

    @property
    def blockers(self) -> int:
        """How many findings forbid the plan."""
        return sum(f.severity == BLOCKER for f in self.findings)

    @property
    def can_accept_all(self) -> bool:
        """True when nothing forbids the plan but risks that a person may take."""
        blockers = [f.code for f in self.findings if f.severity == BLOCKER]
        return bool(blockers) and set(blockers) <= set(self.acceptable)

    @property
    def advises(self) -> bool:
        """True while something can still be done about the findings."""
        return self.change.state in (State.BLOCKED, State.AWAITING_APPROVAL)

    @property
    def verdict(self) -> Approval | None:
        """The last judgement, None before there is one."""
        return self.judgements[-1].approval if self.judgements else None

    @property
    def approved_by(self) -> str:
        """Who gave the approvals of the plan, in a row."""
        given = [j.approval for j in self.judgements if not j.note]
        return get_text_list([a.by.username for a in given if a.decision == "approved"], _("and"))

    @property
    def said(self) -> int:
        """The number of the newest comment that is shown, 0 for none."""
        return max((moment.comment for moment in self.moments), default=0)

    @property
    def outages_text(self) -> str:
        """How long services were away in earlier changes, newest first: "2.1 s, 2.4 s"."""
        spans = [seconds_text(seconds) for seconds in self.outages]
        if len(spans) > 1 and len(set(spans)) == 1:
            return _("%(span)s each") % {"span": spans[0]}
        return ", ".join(spans)

    @property
    def commands_text(self) -> str:
        """All commands of the plan, each step under its title as a comment of the shell."""
        steps = self.plan.steps if self.plan else ()
        # A line break in a title must not make a command of the rest of it.
        titled = (("# " + " ".join(step.title.split()), step.command) for step in steps)
        return "\n".join(line for pair in titled for line in pair if line)

    @property
    def awaits_confirm(self) -> bool:
        """True while the host waits for a person."""
        return awaits_confirm(self.change, self.job)

    @property
    def undone(self) -> bool:
        """True when the job did not bring what was expected: it was taken back, or failed."""
        return self.change.state in (State.ROLLED_BACK, State.FAILED)

    @property
    def begun(self) -> bool:
        """True once the host carries it out, also before its first step says so."""
        running = self.change.state in (State.RUNNING, State.UNKNOWN)
        return running or self.record.started_at is not None

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
    standing: Standing,
    comments: Iterable[Comment] = (),
    versions: Sequence[PlanVersion] = (),
    outages: Sequence[float] = (),
    undone_by: Change | None = None,
    made_again: Sequence[int] = (),
) -> ChangePage:
    """Return what the page of a change shows to a reader. Reads nothing from the database."""
    plan = change.current_plan
    findings = _by_severity(plan.findings) if plan else []
    record = record_of(plan.steps if plan else (), events)
    scene = scene_of_plan(plan) if plan else None
    glass = _glass(change, job, events)
    broken = glass is not None and glass.now
    word = _word(change, job, record, broken=broken)
    return ChangePage(
        change=change,
        sentence=sentence_of(change),
        word=word,
        plan=plan,
        record=record,
        stages=stages_of(change, approvals, job, broken=broken, word=word),
        judgements=_judgements(change, approvals, standing.waiting),
        waiting=standing.waiting,
        glass=glass,
        job=job,
        findings=findings,
        acceptable=_acceptable(change, findings),
        differences=differences_of(plan) if plan else [],
        rules=rules_diff(plan) if plan else None,
        ways=ways_of(scene) if scene else (),
        moves=moves_of(plan, job, back=change.state == State.ROLLED_BACK),
        allowed=allowed_of(change, job, user, standing, undone=undone_by is not None),
        left=left_of(job) if job and change.state in (State.FAILED, State.SUCCEEDED) else [],
        events=events,
        moments=timeline_of(events=events, approvals=approvals, comments=comments),
        config=config_diff(plan, _config_before(change, versions)) if plan else None,
        since=_since(change, plan, versions, approvals, user),
        outages=list(outages),
        undone_by=undone_by,
        made_again=made_again,
    )


def _word(change: Change, job: Job | None, record: Record, *, broken: bool) -> StateWord:
    cancelled = job is not None and job.cancel_asked_at is not None
    return page_word(
        change.state,
        confirm=awaits_confirm(change, job),
        back=cancelled or record.rolling_back,
        broken=broken,
    )


def _config_before(change: Change, versions: Sequence[PlanVersion]) -> str | None:
    return next((v.config_before for v in versions if v.round == change.plan_round), None)


def _since(
    change: Change,
    plan: Plan | None,
    versions: Sequence[PlanVersion],
    approvals: Sequence[Approval],
    user: User,
) -> Since | None:
    if plan is None:
        return None
    return plan_since(
        change=change, plan=plan, versions=versions, approvals=approvals, reader_id=user.pk
    )


def _by_severity(findings: Sequence[Finding]) -> list[Finding]:
    order = {BLOCKER: 0, WARNING: 1, INFO: 2}
    return sorted(findings, key=lambda f: order.get(f.severity, 3))


def _acceptable(change: Change, findings: Sequence[Finding]) -> list[str]:
    entry = KINDS.get(change.kind)
    codes = entry.acceptable if entry else ()
    return sorted({f.code for f in findings if f.severity == BLOCKER and f.code in codes})


def _judgements(
    change: Change, approvals: Sequence[Approval], waiting: Waiting | None
) -> list[Judgement]:
    void = waiting.review.void if waiting else ()
    rows = []
    for given in approvals:
        note = ""
        if given in void:
            note = _("no longer counts")
        elif given.decision == Approval.Decision.APPROVED and not of_this_plan(given, change):
            note = _("an earlier plan")
        rows.append(Judgement(given, note))
    return rows


def _glass(change: Change, job: Job | None, events: Sequence[EventRow]) -> Glass | None:
    for row in reversed(events):
        if row.data.get("break_glass") and change.break_glass_by:
            now = job is not None and row.data.get("job") == job.pk
            at = datetime.fromisoformat(row.at)
            return Glass(change.break_glass_by, change.break_glass_reason, at, now)
    return None
