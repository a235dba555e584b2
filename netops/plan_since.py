"""What differs between the plan of a change and a former one of the same change. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from attrs import frozen

from netops.difference import Difference
from netops.engine.basis import differences
from netops.engine.errors import MessageRejected
from netops.engine.plan import Finding, Plan, StepSpec
from netops.engine.serial import from_json
from netops.models import Approval, Change, PlanVersion
from netops.rules_diff import ADDED, KEPT, REMOVED, RuleLine

MINE, OTHERS, SHOWN = "mine", "others", "shown"


@frozen
class Since:
    """`why` says which plan it is held against: the one that the reader approved ("mine"), that
    `by` approved ("others"), or the one before ("shown"). `host` has sentences about the host's
    configuration and state, `moves` containers whose expected address is another."""

    round: int
    why: str
    by: str
    steps: tuple[RuleLine, ...]
    new_findings: tuple[Finding, ...]
    gone_findings: tuple[Finding, ...]
    moves: tuple[Difference, ...]
    host: tuple[str, ...]

    @property
    def same(self) -> bool:
        """True when nothing differs."""
        found = (self.steps, self.new_findings, self.gone_findings, self.moves, self.host)
        return not any(found)


def plan_since(
    *,
    change: Change,
    plan: Plan,
    versions: Sequence[PlanVersion],
    approvals: Sequence[Approval],
    reader_id: int,
) -> Since | None:
    """Return how the plan differs from the one that its reader should hold it against, None for a
    first plan: the last that they approved, else the last that anybody did, else the last."""
    former = [version for version in versions if version.round < change.plan_round]
    if not former:
        return None
    given = [a for a in approvals if a.decision == Approval.Decision.APPROVED]
    mine = [a for a in given if a.by_id == reader_id]
    for why, wanted in ((MINE, mine), (OTHERS, given)):
        for approval in reversed(wanted):
            base = _version_of(approval, former)
            if base is not None:
                return _compared(base, plan, why, approval.by.username)
    return _compared(former[-1], plan, SHOWN, "")


def _version_of(approval: Approval, former: Sequence[PlanVersion]) -> PlanVersion | None:
    """Return the plan that an approval was given for; one made later is another, even if same."""
    fits = [v for v in former if v.digest == approval.plan_digest and v.at <= approval.at]
    return fits[-1] if fits else None


def _compared(version: PlanVersion, plan: Plan, why: str, by: str) -> Since | None:
    try:
        old = from_json(Plan, version.plan)
    except MessageRejected:
        return None
    was, now = _keyed(old.findings), _keyed(plan.findings)
    return Since(
        round=version.round,
        why=why,
        by=by,
        steps=_steps(old.steps, plan.steps),
        new_findings=tuple(f for key, f in now.items() if key not in was),
        gone_findings=tuple(f for key, f in was.items() if key not in now),
        moves=_moves(old, plan),
        host=tuple(differences(old.basis, plan.basis)),
    )


def _keyed(findings: Sequence[Finding]) -> dict[tuple[str, str, str, str], Finding]:
    return {(f.code, f.severity, f.subject, f.message): f for f in findings}


def _steps(old: Sequence[StepSpec], new: Sequence[StepSpec]) -> tuple[RuleLine, ...]:
    before, after = _lines(old), _lines(new)
    if before == after:
        return ()
    lines: list[RuleLine] = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            lines += [RuleLine(KEPT, text) for text in after[j1:j2]]
            continue
        lines += [RuleLine(REMOVED, text) for text in before[i1:i2]]
        lines += [RuleLine(ADDED, text) for text in after[j1:j2]]
    return tuple(lines)


def _lines(steps: Sequence[StepSpec]) -> list[str]:
    return [line for step in steps for line in (step.command or step.title).splitlines()]


def _moves(old: Plan, new: Plan) -> tuple[Difference, ...]:
    was = {c.name: str(c.to or "") for c in old.containers}
    now = {c.name: str(c.to or "") for c in new.containers}
    names = sorted({*was, *now})
    rows = (Difference(name, was.get(name, ""), now.get(name, "")) for name in names)
    return tuple(row for row in rows if row.before != row.after)
