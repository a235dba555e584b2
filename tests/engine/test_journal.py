"""A job's journal: what is written is there for the next process, whatever was cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from netops.engine.desired_subnet import parse
from netops.engine.journal import SUCCEEDED, Journal, Outcome
from netops.engine.observed import Controller
from netops.engine.planner import make_plan
from tests.engine.made_hosts import host

PLAN = make_plan(host(), parse({"network": "bridge", "subnet": "192.168.225.0/24"}))


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    one = Journal(tmp_path / "jobs" / "a1")
    one.begin(PLAN, Controller(), "boot")
    return one


def test_it_is_read_by_another_process(journal: Journal) -> None:
    journal.step_begun(1, {"x": [1, None]})
    journal.step_done(1)
    journal.step_begun(2, {})
    other = Journal(journal.folder)
    snapshot = other.snapshot()
    assert snapshot is not None
    assert (snapshot.plan, snapshot.boot_id) == (PLAN, "boot")
    read = [(e.step, e.phase, e.saved) for e in other.entries()]
    assert read == [(1, "begun", {"x": [1, None]}), (1, "done", {}), (2, "begun", {})]
    assert not other.finished
    other.finish(Outcome(SUCCEEDED, "Done."))
    assert journal.outcome() == Outcome(SUCCEEDED, "Done.")


def test_it_takes_a_job_id_only_once(journal: Journal) -> None:
    again = Journal(journal.folder)
    assert again.exists
    with pytest.raises(FileExistsError):
        again.begin(PLAN, Controller(), "boot")


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_it_reads_up_to_a_torn_line(journal: Journal, cut: int) -> None:
    journal.step_begun(1, {})
    journal.step_begun(2, {"long": "x" * 80})
    path = journal.folder / "steps.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    found = [e.step for e in journal.entries()]
    assert found == ([1, 2] if cut == 1 else [1])
    journal.step_undone(1)
    assert [e.phase for e in journal.entries()][-1] == "undone"


def test_it_is_for_root_alone(journal: Journal) -> None:
    journal.step_begun(1, {})
    assert journal.folder.stat().st_mode & 0o077 == 0
    for path in journal.folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_it_says_nothing_of_a_job_that_never_was(tmp_path: Path) -> None:
    none = Journal(tmp_path / "no")
    assert not none.exists
    assert not none.finished
    assert none.snapshot() is None
    assert none.entries() == []
