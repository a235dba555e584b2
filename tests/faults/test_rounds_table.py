"""The part of docs/reliability.md that the rounds make, without any host."""

from __future__ import annotations

import pytest

from tests.faults.hosts.reliability import DOCUMENT, FAULTS, ROUNDS, part_replaced
from tests.faults.hosts.rounds.drawing import KINDS, Round
from tests.faults.hosts.rounds.play import Played
from tests.faults.hosts.rounds.table import table
from tests.faults.hosts.whole import NEW, OLD


def test_the_table_counts_rounds_by_kind_of_act_and_ending() -> None:
    every = [Round(number, 1) for number in range(10)]
    confirmed = [one for one in every if one.ending == "confirm"]
    cancelled = [one for one in every if one.ending == "cancel" and one.init == "sysv"]
    played = [Played(one, ("network made",), NEW, 12.0) for one in confirmed]
    played += [Played(one, ("network made", "unit edited"), OLD, 9.0) for one in cancelled]
    lines = list(table(played, [every[0]], 1))
    assert (
        f"3 of 4 rounds held, with 1 old, 2 new; the longest took 12 s. 1 failed: {every[0]}."
        in (lines[1])
    )
    assert "seed 1:" in lines[1]
    sysv = lines[lines.index("### Rounds, sysv") :]
    assert "| network made | 1 new | 1 old |  |  |  |" in sysv
    assert "| unit edited |  | 1 old |  |  |  |" in sysv
    assert "| all rounds | 1 new | 1 old |  |  |  |" in sysv
    assert sum(line.startswith("| all rounds") for line in lines) == 2
    assert all(any(line.startswith(f"| {kind} |") for line in sysv) for kind in KINDS)


def test_one_part_of_the_document_is_replaced_and_the_others_stay() -> None:
    text = DOCUMENT.read_text()
    marked = part_replaced(part_replaced(text, FAULTS, ["faults"]), ROUNDS, ["rounds"])
    again = part_replaced(marked, ROUNDS, ["others"])
    assert again == marked.replace("\nrounds\n", "\nothers\n")
    assert "\nfaults\n" in again
    with pytest.raises(ValueError, match="substring not found"):
        part_replaced("no marks", ROUNDS, [])
