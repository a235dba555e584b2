"""What a person would have typed for the edits of a table (iptables(8))."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netops.engine.nat.edits import (
    ChainDelete,
    ChainMake,
    ChainRemove,
    ChainSet,
    Edit,
    JumpDelete,
    JumpInsert,
)
from netops.engine.nat.ruleset import Table


def commands_of(table: str, live: Table, edits: Sequence[Edit]) -> Iterator[str]:
    """Yield the commands for the edits of `table`, which is `live` now."""
    start = "iptables" if table == "filter" else f"iptables -t {table}"
    for edit in edits:
        match edit:
            case ChainSet(chain, rules):
                yield f"{start} {'-F' if chain in live.policies else '-N'} {chain}"
                yield from (f"{start} -A {chain} {rule.line()}" for rule in rules)
            case ChainMake(chain):
                yield f"{start} -N {chain}"
            case ChainRemove(chain):
                yield f"{start} -X {chain}"
            case ChainDelete(chain):
                yield f"{start} -F {chain} && {start} -X {chain}"
            case JumpDelete(chain, _, line):
                yield f"{start} -D {chain} {line.text}"
            case JumpInsert("FORWARD" as chain, index, rule) if index >= _others(live, rule.target):
                # Last, however many there are by then: a rule more must not make a plan stale.
                yield f"{start} -A {chain} {rule.line()}"
            case JumpInsert(chain, index, rule):
                yield f"{start} -I {chain} {index + 1} {rule.line()}"


def _others(live: Table, target: str) -> int:
    """How many rules FORWARD has beside those that jump to `target`."""
    return sum(rule.target != target for rule in live.chain("FORWARD"))
