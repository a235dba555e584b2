"""Rules before and after a NAT change, line by line. Pure."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from attrs import frozen
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from netops.engine.plan import Plan

KEPT, REMOVED, ADDED, LEFT_OUT = "kept", "removed", "added", "left-out"
_FATES: dict[str, Promise] = {
    KEPT: _("Kept"),
    REMOVED: _("Removed"),
    ADDED: _("Added"),
    LEFT_OUT: _("Left out"),
}
_CHANGE = re.compile(r"(dockernet \S+ change) [0-9]+")


@frozen
class RuleLine:
    """One rule; `fate` is kept, removed, added, or left out: then the text says how many are."""

    fate: str
    text: str

    @property
    def fate_word(self) -> Promise:
        """Its fate in the reader's language."""
        return _FATES[self.fate]

    @property
    def sign(self) -> str:
        """The sign that diff(1) has for it."""
        return {REMOVED: "−", ADDED: "+", LEFT_OUT: "…"}.get(self.fate, "")


@frozen
class RulesDiff:
    """All rules of ours; `renumbered`: some stay but for the change that their comment names."""

    lines: tuple[RuleLine, ...]
    renumbered: bool = False

    def count(self, fate: str) -> int:
        """How many lines have that fate."""
        return sum(line.fate == fate for line in self.lines)

    @property
    def moves_only(self) -> bool:
        """True if no rule comes or goes: only what leads to them is put in its place."""
        return bool(self.lines) and self.count(KEPT) == len(self.lines)

    @property
    def summary(self) -> str:
        """How many of each, in words."""
        counts = (
            (self.count(ADDED), gettext("%(number)s added")),
            (self.count(REMOVED), gettext("%(number)s removed")),
            (self.count(KEPT), gettext("%(number)s kept")),
        )
        told = [words % {"number": number} for number, words in counts if number]
        return ", ".join(told) or gettext("none")


def rules_diff(plan: Plan) -> RulesDiff | None:
    """Return our rules before and after, None for a plan that sets none."""
    step = next((s for s in plan.steps if s.kind == "nat_rules"), None)
    if step is None:
        return None
    before, after = _texts(step.params.get("before")), _texts(step.params.get("after"))
    same = [_CHANGE.sub(r"\1", text) for text in before]
    other = [_CHANGE.sub(r"\1", text) for text in after]
    lines: list[RuleLine] = []
    renumbered = False
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, same, other, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += [RuleLine(KEPT, text) for text in after[j1:j2]]
            renumbered = renumbered or before[i1:i2] != after[j1:j2]
            continue
        lines += [RuleLine(REMOVED, text) for text in before[i1:i2]]
        lines += [RuleLine(ADDED, text) for text in after[j1:j2]]
    return RulesDiff(tuple(lines), renumbered)


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
