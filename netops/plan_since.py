"""What differs between the plan of a change and a former one of the same change. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from attrs import frozen
from django.utils.translation import ngettext

from netops.difference import Difference
from netops.engine.basis import differences
from netops.engine.errors import MessageRejected
from netops.engine.plan import Finding, Plan, StepSpec
from netops.engine.serial import from_json
from netops.models import Approval, Change, PlanVersion
from netops.rules_diff import ADDED, KEPT, LEFT_OUT, REMOVED, RuleLine

MINE, OTHERS, SHOWN = "mine", "others", "shown"
# Lines that stay the same are shown this far around those that do not.
_AROUND = 2


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
    changed_findings: tuple[tuple[Finding, Finding], ...]
    gone_findings: tuple[Finding, ...]
    moves: tuple[Difference, ...]
    host: tuple[str, ...]

    @property
    def same(self) -> bool:
        """True when nothing differs."""
        findings = (self.new_findings, self.changed_findings, self.gone_findings)
        return not any((self.steps, *findings, self.moves, self.host))


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
    gone, new, changed = _findings(old.findings, plan.findings)
    return Since(
        round=version.round,
        why=why,
        by=by,
        steps=steps_since(old.steps, plan.steps),
        new_findings=tuple(new),
        changed_findings=tuple(changed),
        gone_findings=tuple(gone),
        moves=_moves(old, plan),
        host=tuple(differences(old.basis, plan.basis)),
    )


def _findings(
    old: Sequence[Finding], plan: Sequence[Finding]
) -> tuple[list[Finding], list[Finding], list[tuple[Finding, Finding]]]:
    """Return the findings that are gone, that are new, and those that say something else now."""
    was, now = _keyed(old), _keyed(plan)
    gone = [f for key, f in was.items() if key not in now]
    new = [f for key, f in now.items() if key not in was]
    changed = []
    for code in sorted({f.code for f in gone}):
        before, after = _of_code(gone, code), _of_code(new, code)
        # With several of a code it is not known which became which.
        if len(before) == len(after) == 1:
            changed.append((before[0], after[0]))
            gone.remove(before[0])
            new.remove(after[0])
    return gone, new, changed


def _of_code(findings: Sequence[Finding], code: str) -> list[Finding]:
    return [finding for finding in findings if finding.code == code]


def _keyed(findings: Sequence[Finding]) -> dict[tuple[str, str, str, str], Finding]:
    return {(f.code, f.severity, f.subject, f.message): f for f in findings}


def steps_since(old: Sequence[StepSpec], new: Sequence[StepSpec]) -> tuple[RuleLine, ...]:
    """Return the commands that differ, with little around them; nothing when none does."""
    before, after = _lines(old), _lines(new)
    if before == after:
        return ()
    lines: list[RuleLine] = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            lines += _around(after[j1:j2], first=j1 == 0, last=j2 == len(after))
            continue
        lines += [RuleLine(REMOVED, text) for text in before[i1:i2]]
        lines += [RuleLine(ADDED, text) for text in after[j1:j2]]
    return tuple(lines)


def _around(same: Sequence[str], *, first: bool, last: bool) -> list[RuleLine]:
    """Return the lines of a run that is the same which are next to a change, and a word for the
    rest; `first` and `last`: nothing changes before it, or after it."""
    head, tail = (0 if first else _AROUND), (0 if last else _AROUND)
    kept = [RuleLine(KEPT, text) for text in same]
    left_out = len(same) - head - tail
    if left_out < 2:
        return kept
    said = ngettext("%(n)d line is the same", "%(n)d lines are the same", left_out)
    return [
        *kept[:head],
        RuleLine(LEFT_OUT, said % {"n": left_out}),
        *kept[len(same) - tail :],
    ]


def _lines(steps: Sequence[StepSpec]) -> list[str]:
    return [line for step in steps for line in (step.command or step.title).splitlines()]


def _moves(old: Plan, new: Plan) -> tuple[Difference, ...]:
    was = {c.name: str(c.to or "") for c in old.containers}
    now = {c.name: str(c.to or "") for c in new.containers}
    names = sorted({*was, *now})
    rows = (Difference(name, was.get(name, ""), now.get(name, "")) for name in names)
    return tuple(row for row in rows if row.before != row.after)
