"""The table of docs/reliability.md that the rounds make."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from tests.faults.hosts.cases import INITS
from tests.faults.hosts.rounds.drawing import KINDS, Round
from tests.faults.hosts.rounds.model import ENDINGS
from tests.faults.hosts.rounds.play import Played
from tests.faults.hosts.whole import NEW, OLD


def table(played: Sequence[Played], failed: Sequence[Round], seed: int) -> Iterator[str]:
    """Yield the lines: totals, then a table for each init, kinds of acts by endings."""
    slowest = max((one.seconds for one in played), default=0.0)
    broken = f"{len(failed)} failed: {', '.join(map(str, failed))}." if failed else "None failed."
    yield ""
    yield (
        f"Run of {datetime.now(UTC):%Y-%m-%d}, Linux {platform.release()}, seed {seed}: "
        f"{len(played)} of {len(played) + len(failed)} rounds held, with {_count(played)}; "
        f"the longest took {slowest:.0f} s. {broken}"
    )
    for init in INITS:
        mine = [one for one in played if one.round.init == init]
        if mine:
            yield from _of_init(init, mine)
    yield ""


def _of_init(init: str, played: Sequence[Played]) -> Iterator[str]:
    yield ""
    yield f"### Rounds, {init}"
    yield ""
    yield f"| rounds with | {' | '.join(ENDINGS)} |"
    yield f"|---|{'---|' * len(ENDINGS)}"
    for kind in KINDS:
        yield _row(kind, [one for one in played if kind in one.kinds])
    yield _row("all rounds", played)


def _row(title: str, played: Sequence[Played]) -> str:
    cells = [_count([one for one in played if one.round.ending == e]) for e in ENDINGS]
    return f"| {title} | {' | '.join(cells)} |"


def _count(played: Sequence[Played]) -> str:
    of: Callable[[str], int] = [one.host for one in played].count
    return ", ".join(f"{of(host)} {host}" for host in (OLD, NEW) if of(host))
