"""Writes rules with iptables-restore of one family: a table's edits in one atomic commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netops.engine.adapters.command import run_fed
from netops.engine.errors import OperationFailed
from netops.engine.nat.edits import (
    ChainDelete,
    ChainMake,
    ChainRemove,
    ChainSet,
    Edit,
    JumpDelete,
    JumpInsert,
)

# As long as another program may hold the tables (iptables(8), --wait).
WAIT_S = 10
_RUN_S = 30.0


def restore_text(edits: Mapping[str, Sequence[Edit]]) -> str:
    """Return the edits of each table as iptables-restore reads them.

    Every word comes from a checked Rule, a chain's name of ours, or a line that iptables-save
    itself has printed: nothing that a person typed gets here in another form.
    """
    lines: list[str] = []
    for table, wanted in edits.items():
        if not wanted:
            continue
        lines.append(f"*{table}")
        # Declaring a chain of a user's makes it or empties it, before any other line counts.
        lines += [f":{edit.chain} - [0:0]" for edit in wanted if isinstance(edit, ChainSet)]
        for edit in wanted:
            lines += _lines(edit)
        lines.append("COMMIT")
    return "".join(f"{line}\n" for line in lines)


def _lines(edit: Edit) -> list[str]:
    match edit:
        case ChainSet(chain, rules):
            return [f"-A {chain} {rule.line()}" for rule in rules]
        case ChainMake(chain):
            return [f"-N {chain}"]
        case ChainRemove(chain):
            return [f"-X {chain}"]
        case ChainDelete(chain):
            return [f"-F {chain}", f"-X {chain}"]
        case JumpDelete(chain, _, line):
            return [f"-D {chain} {line.text}"]
        case JumpInsert(chain, index, rule):
            return [f"-I {chain} {index + 1} {rule.line()}"]


def rules_restore(program: str, edits: Mapping[str, Sequence[Edit]]) -> None:
    """Make the edits with `program` (iptables-nft-restore or iptables-legacy-restore).

    All tables are tried first (--test), so that one that would be refused leaves the others alone.
    Raises OperationFailed; a table is changed whole or not at all.
    """
    text = restore_text(edits)
    if not text:
        return
    argv = [program, "--noflush", "--wait", str(WAIT_S)]
    for extra in (["--test"], []):
        result = run_fed([*argv, *extra], text, _RUN_S)
        if result.status != 0:
            said = " ".join(result.output.split())[:300] or f"exit status {result.status}"
            raise OperationFailed(
                f"{program} refused the rules: {said}",
                "Look at the tables with `iptables-save`; another program may have changed them.",
            )
