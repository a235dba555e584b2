"""How a job that nobody works on any more is brought to its end; no host, steps of the test."""

from __future__ import annotations

import pytest

from netops.engine import apply as engine
from netops.engine.errors import OperationFailed
from netops.engine.journal import Journal
from netops.engine.observed import Controller
from netops.engine.settle import settle
from tests.engine.job_bench import PLAN, Bench, Recorded, fail, kill, undone


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("save a", []),
        ("do a", ["undo a"]),
        ("check b", ["undo b", "undo a"]),
        ("check c", ["undo c", "undo b", "undo a"]),
    ],
)
def test_it_settles_by_undoing(bench: Bench, where: str, wanted: list[str]) -> None:
    kill(bench, where)
    outcome = bench.settle()
    assert outcome.state == "rolled_back"
    assert undone() == wanted
    heard = list(bench.heard)
    assert bench.settle() == outcome
    assert bench.heard == heard


def test_it_settles_as_succeeded_what_only_lacked_its_outcome(bench: Bench) -> None:
    bench.apply()
    (bench.journal.folder / "outcome.json").unlink()
    Recorded.log.clear()
    assert bench.settle().state == "succeeded"
    assert Recorded.log == []


def test_it_goes_on_with_a_rollback_that_was_cut_off(bench: Bench) -> None:
    fail("do c", OperationFailed("It broke."))
    kill(bench, "undo b")
    assert bench.settle().state == "rolled_back"
    assert undone() == ["undo b", "undo a"]


def test_it_believes_no_undo_from_before_a_reboot(bench: Bench) -> None:
    fail("do c", OperationFailed("It broke."))
    kill(bench, "undo b")
    bench.boot = "boot-2"
    outcome = bench.settle()
    assert "booted" in outcome.message
    assert undone() == ["undo c", "undo b", "undo a"]


def test_a_job_that_is_held_has_not_ended_and_goes_back_without_its_confirm(bench: Bench) -> None:
    outcome = engine.apply(PLAN, bench.ports, bench.emit, bench.journal, Controller(), hold=True)
    assert outcome.state == "succeeded"
    assert bench.journal.outcome() is None
    assert bench.journal.held == outcome
    why = "The site did not confirm."
    outcome = settle(bench.journal, bench.ports, bench.emit, why=why)
    assert (outcome.state, outcome.message) == ("rolled_back", f"{why} The host is as it was.")
    assert undone() == ["undo c", "undo b", "undo a"]
    assert bench.journal.turned_back == why


def test_a_way_back_that_was_begun_is_never_confirmed(bench: Bench) -> None:
    engine.apply(PLAN, bench.ports, bench.emit, bench.journal, Controller(), hold=True)
    bench.journal.turn_back("Nobody confirmed.")
    assert settle(bench.journal, bench.ports, bench.emit, hold=True).state == "rolled_back"


WHO = "A person took it back."


def test_it_undoes_a_job_that_ended_well_and_was_reopened(bench: Bench) -> None:
    bench.apply()
    Recorded.log.clear()
    bench.journal.reopen(WHO)
    outcome = bench.settle()
    assert (outcome.state, outcome.message) == ("rolled_back", f"{WHO} The host is as it was.")
    assert undone() == ["undo c", "undo b", "undo a"]
    assert bench.journal.outcome() == outcome


def test_it_goes_on_with_an_undo_of_an_ended_job_that_was_cut_off(bench: Bench) -> None:
    bench.apply()
    bench.journal.reopen(WHO)
    fail("undo b", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.settle()
    Recorded.log.clear()
    assert bench.settle().state == "rolled_back"
    assert undone() == ["undo b", "undo a"]


def test_it_tries_again_what_had_failed(bench: Bench) -> None:
    fail("do c", OperationFailed("It broke."))
    fail("undo b", *[OperationFailed("Busy.") for _ in range(9)])
    assert bench.apply().state == "failed"
    Recorded.log.clear()
    Recorded.faults.clear()
    bench.journal.reopen(WHO)
    assert bench.settle().state == "rolled_back"
    assert "undo b" in undone()


def test_a_job_that_goes_back_on_a_full_disk_is_never_taken_for_done(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.apply(PLAN, bench.ports, bench.emit, bench.journal, Controller(), hold=True)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "_replace", full)
        bench.journal.turn_back("Nobody confirmed.")
    last = bench.journal.entries()[-1]
    assert (last.step, last.phase) == (3, "begun")
    assert (bench.journal.held, bench.journal.turned_back) == (None, "")
