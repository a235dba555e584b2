"""Where the containers of a change were, should be, and are. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address

from attrs import frozen

from netops.engine.plan import Plan
from netops.models import Job


@frozen
class Move:
    """A container's address before, as expected, and as found after the job ("": not known);
    `back` when the job was taken back, so that the address before is the one to find."""

    name: str
    before: str
    expected: str
    found: str
    back: bool = False

    @property
    def as_expected(self) -> bool:
        """True unless it was found elsewhere than it should be."""
        return not self.found or self.found == (self.before if self.back else self.expected)


def moves_of(plan: Plan | None, job: Job | None, *, back: bool) -> list[Move]:
    """Return the containers that the plan moves and those that the job found, each once; `back`
    when the job was taken back."""
    told = (job.result or {}).get("containers") if job else None
    rows = [row for row in told if isinstance(row, dict)] if isinstance(told, list) else []
    found = {str(row.get("name")): row for row in rows}
    planned = plan.containers if plan else ()
    moves = [
        Move(c.name, _text(c.from_), _text(c.to), _text(found.get(c.name, {}).get("to")), back)
        for c in planned
    ]
    names = {move.name for move in moves}
    late = [row for name, row in found.items() if name not in names]
    return moves + [
        Move(str(r.get("name")), _text(r.get("from")), "", _text(r.get("to")), back) for r in late
    ]


def _text(address: IPv4Address | str | None) -> str:
    return str(address) if address else ""
