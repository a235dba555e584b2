"""What cannot be read of the firewall is never taken for "no rules"."""

from __future__ import annotations

from pathlib import Path

import pytest

from netops.engine.adapters.firewall import _is_bare
from netops.engine.adapters.firewall_read import save
from netops.engine.errors import OperationFailed
from netops.engine.nat.ruleset import Table


def program(folder: Path, script: str) -> str:
    """An iptables whose iptables-nft-save does what `script` says; returns its path."""
    path = folder / "iptables-nft-save"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(folder / "iptables")


def test_it_reads_what_is_printed(tmp_path: Path) -> None:
    assert save(program(tmp_path, "echo '*nat'; echo COMMIT"), "nft") == "*nat\nCOMMIT\n"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 1", "ended with 1"),
        ("echo \"# Table \\`nat' is incompatible, use 'nft' tool.\"", "The table nat has rules"),
        ("echo \"# Table \\`filter' is incompatible, use 'nft' tool.\"", "The table filter has"),
    ],
)
def test_what_cannot_be_read_whole_is_an_error(tmp_path: Path, script: str, words: str) -> None:
    with pytest.raises(OperationFailed, match=words):
        save(program(tmp_path, script), "nft")


def test_a_table_of_somebody_elses_kind_does_not_matter(tmp_path: Path) -> None:
    script = (
        "echo \"# Table \\`mangle' is incompatible, use 'nft' tool.\"; echo '*nat'; echo COMMIT"
    )
    assert "*nat" in save(program(tmp_path, script), "nft")


def test_a_table_that_was_not_printed_to_its_end_is_no_answer(tmp_path: Path) -> None:
    script = "echo '*nat'; echo COMMIT; echo '*filter'; echo '-A FORWARD -j ACCEPT'"
    with pytest.raises(OperationFailed, match="to its end"):
        save(program(tmp_path, script), "nft")


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match="no program"):
        save(str(tmp_path / "iptables"), "nft")


def test_only_a_table_that_does_nothing_is_bare() -> None:
    assert _is_bare(Table({"FORWARD": "ACCEPT"}, ()))
    assert not _is_bare(Table({"FORWARD": "DROP"}, ()))
    assert not _is_bare(Table({"FORWARD": "ACCEPT", "DOCKER": "-"}, ()))
    assert not _is_bare(None)
