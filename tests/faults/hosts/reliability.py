"""docs/reliability.md: what a run of these tests found, each part between marks of its own."""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import attrs

from tests.faults.hosts.cases import INITS, LAST, LAST_POINTS, POINTS, STEPS, VICTIMS, every_case
from tests.faults.hosts.rounds.lanes import RoundLanes
from tests.faults.hosts.rounds.table import table
from tests.faults.hosts.striking import Row

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "reliability.md"
# The parts of the document: faults at exact points of a job, and acts of others in its window.
FAULTS, ROUNDS = "made by the run", "made by the rounds"
WORDS = {
    "before": "before it",
    "in": "begun",
    "half": "in it",
    "after": "done",
    "held": "all done",
    "asked": "confirm asked for",
    "confirmed": "confirm on the host's disk",
    "ended": "end in the journal",
}


@attrs.frozen
class Trouble:
    """Another fault: what failed, on which init, how it ended, seconds until the site said so."""

    fault: str
    init: str
    end: str
    settled_s: float


@attrs.define
class Record:
    """What a session found."""

    seed: int
    strikes: list[Row] = attrs.field(factory=list)
    troubles: list[Trouble] = attrs.field(factory=list)
    failed: list[str] = attrs.field(factory=list)
    rounds: RoundLanes | None = None

    def trouble(self, fault: str, init: str, end: str, settled_s: float) -> None:
        """Note how another fault ended."""
        self.troubles.append(Trouble(fault, init, end, round(settled_s, 1)))


def reliability_write(record: Record) -> None:
    """Replace the parts of the document that the session has made; the others stay."""
    text = DOCUMENT.read_text()
    if record.strikes or record.troubles:
        text = part_replaced(text, FAULTS, _lines(record))
    if record.rounds is not None:
        lanes = record.rounds
        text = part_replaced(text, ROUNDS, table(lanes.played(), lanes.failed(), record.seed))
    DOCUMENT.write_text(text)


def part_replaced(text: str, part: str, lines: Iterable[str]) -> str:
    """Return the document with other lines between the two marks of a part.

    Raises ValueError if it lacks one of them.
    """
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    first, last = text.index(begin) + len(begin), text.index(end)
    return f"{text[:first]}\n{chr(10).join(lines)}\n{text[last:]}"


def _lines(record: Record) -> Iterator[str]:
    rows = record.strikes
    slowest = max((row.settled_s for row in rows), default=0.0)
    yield ""
    yield (
        f"Run of {datetime.now(UTC):%Y-%m-%d}, Linux {platform.release()}, seed {record.seed}: "
        f"{len(rows)} of the {len(every_case())} cases of the matrix were struck and ended whole, "
        f"{sum(row.host == 'old' for row in rows)} old and "
        f"{sum(row.host == 'new' for row in rows)} new; "
        f"the slowest had settled after {slowest:.0f} s. {_failed(record)}"
    )
    for kind, steps in STEPS.items():
        for init in INITS:
            found = [r for r in rows if (r.case.kind, r.case.init) == (kind, init)]
            if found:
                yield from _table(f"{kind}, {init}", steps, found)
    if record.troubles:
        yield ""
        yield "| what fails | host | how the job ends | seconds until the site says so |"
        yield "|---|---|---|---|"
        for one in sorted(record.troubles, key=lambda t: (t.fault, t.init)):
            yield f"| {one.fault} | {one.init} | {one.end} | {one.settled_s:.1f} |"
    yield ""


def _failed(record: Record) -> str:
    if not record.failed:
        return "No test failed."
    return f"{len(record.failed)} tests failed: {', '.join(record.failed)}."


def _table(title: str, steps: tuple[str, ...], rows: list[Row]) -> Iterator[str]:
    cells: dict[tuple[int, str], dict[str, str]] = defaultdict(dict)
    for row in rows:
        text = f"{row.host} {row.settled_s:.1f}"
        cells[row.case.step, row.case.point][row.case.victim] = text
    yield ""
    yield f"### {title.capitalize()}"
    yield ""
    yield f"| step | when | {' | '.join(VICTIMS)} |"
    yield f"|---|---|{'---|' * len(VICTIMS)}"
    for step, name in enumerate((*steps, LAST), start=1):
        for point in (*POINTS, *LAST_POINTS):
            found = cells.get((step, point))
            if found:
                shown = " | ".join(found.get(victim, "") for victim in VICTIMS)
                yield f"| {step} {name} | {WORDS[point]} | {shown} |"
