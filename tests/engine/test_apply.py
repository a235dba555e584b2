"""How a job goes on and goes back; steps of the test's own, no host."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from netops.engine import apply as engine
from netops.engine import go_back
from netops.engine.errors import OperationFailed, Refused
from netops.engine.journal import Journal
from netops.engine.observed import Controller
from netops.engine.plan import BLOCKER, Finding, Plan
from tests.engine.job_bench import JSON, PLAN, SPECS, Bench, Recorded, fail, undone


def test_it_saves_does_and_checks_each_step_in_order(bench: Bench) -> None:
    assert bench.apply().state == "succeeded"
    assert Recorded.log == [f"{what} {n}" for n in "abc" for what in ("save", "do", "check")]
    assert bench.heard == [
        f"{kind} {n}" for n in (1, 2, 3) for kind in ("step_started", "step_done")
    ]
    assert bench.journal.finished


@pytest.mark.parametrize("where", ["do", "check"])
def test_it_undoes_in_reverse_what_was_begun(bench: Bench, where: str) -> None:
    fail(f"{where} b", OperationFailed("It broke."))
    outcome = bench.apply()
    assert outcome.state == "rolled_back"
    assert "Step 2, “Do b”, failed: It broke." in outcome.message
    assert undone() == ["undo b", "undo a"]
    assert bench.heard[-5:] == [
        "step_failed 2", "rollback_started", "output 2", "output 1", "rolled_back",
    ]  # fmt: skip


def test_it_does_not_say_that_it_undid_what_has_no_undo(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Recorded, "undo")
    fail("do b", OperationFailed("It broke."))
    assert bench.apply().state == "rolled_back"
    assert not [heard for heard in bench.heard if heard.startswith("output")]


def test_it_does_not_undo_a_step_that_could_not_even_be_saved(bench: Bench) -> None:
    fail("save b", ValueError("bug"))
    assert bench.apply().state == "rolled_back"
    assert undone() == ["undo a"]


def test_it_tries_an_undo_again_and_then_proves_the_host_again(bench: Bench) -> None:
    fail("do c", OperationFailed("It broke."))
    fail("undo b", OperationFailed("Busy."))
    assert bench.apply().state == "rolled_back"
    assert undone() == ["undo c", "undo b", "undo a", "undo b", "undo a"]


def test_it_says_failed_and_what_is_left_when_an_undo_never_works(bench: Bench) -> None:
    fail("do c", OperationFailed("It broke."))
    fail("undo b", *[OperationFailed("Still busy.") for _ in range(9)])
    outcome = bench.apply()
    assert outcome.state == "failed"
    assert "by hand: Do b: Still busy." in outcome.message
    assert "rolled_back" not in bench.heard
    assert undone()[-1] == "undo a"


def test_it_goes_back_whole_even_if_nobody_can_hear_it(bench: Bench) -> None:
    fail("do b", OperationFailed("It broke."))
    original = bench.emit

    def emit(kind: str, message: str = "", **more: Any) -> None:
        bench.deaf = bench.deaf or kind == "step_failed"
        original(kind, message, **more)

    bench.emit = emit  # type: ignore[method-assign]
    assert bench.apply().state == "rolled_back"
    assert undone() == ["undo b", "undo a"]


@pytest.mark.parametrize("fault", ["", "do c"])
def test_a_disk_that_fills_up_makes_no_failure_of_a_whole_host(
    bench: Bench, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Journal, "step_undone", full)
    monkeypatch.setattr(Journal, "finish", full)
    if fault:
        fail(fault, OperationFailed("No space left on device."))
    wanted = "rolled_back" if fault else "succeeded"
    assert bench.apply().state == wanted
    assert bench.settle().state == wanted


REFUSED = [
    (evolve(PLAN, findings=(Finding("x", BLOCKER, "No."),)), "blocked"),
    (evolve(PLAN, steps=()), "blocked"),
    (evolve(PLAN, steps=SPECS[:2]), "digest"),
    (evolve(PLAN, basis={"daemon": {}}), "digest"),
]


@pytest.mark.parametrize(("plan", "code"), REFUSED)
def test_it_refuses_a_plan_that_nobody_can_have_approved(
    bench: Bench, plan: Plan, code: str
) -> None:
    with pytest.raises(Refused) as caught:
        bench.apply(plan)
    assert caught.value.code == code
    assert Recorded.log == []
    assert not bench.journal.exists


def test_it_carries_a_job_out_only_once(bench: Bench) -> None:
    bench.apply()
    before = list(Recorded.log)
    with pytest.raises(Refused, match="before"):
        bench.apply()
    assert Recorded.log == before


def test_it_stops_before_the_next_step_when_it_is_cancelled(bench: Bench) -> None:
    said = iter(["", "alice cancelled the job."])
    outcome = engine.apply(
        PLAN, bench.ports, bench.emit, bench.journal, Controller(), cancelled=lambda: next(said)
    )
    assert outcome.state == "rolled_back"
    assert outcome.message.startswith("alice cancelled the job. It stopped before step 2")
    assert undone() == ["undo a"]
    assert "step_failed 2" not in bench.heard


def test_a_layer_that_is_not_as_it_was_makes_it_failed_with_the_command(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(go_back, "PROOF_S", 0.0)
    fail("do b", OperationFailed("No."))
    monkeypatch.setattr(
        Recorded, "hook", lambda: setattr(bench.ports.forwarding, "enabled", lambda: False)
    )
    outcome = bench.apply()
    assert outcome.state == "failed"
    assert outcome.left == ("sysctl -w net.ipv4.ip_forward=1",)
    assert outcome.left[0] in outcome.message
    assert (bench.journal.before / "daemon.json").read_bytes() == b"{}"


def test_an_edit_of_others_in_a_file_that_the_job_never_wrote_is_theirs(bench: Bench) -> None:
    fail("do b", OperationFailed("No."))
    theirs = {JSON: (b"{x", 0o644)}
    Recorded.hook = lambda: bench.files.update(theirs)
    try:
        assert bench.apply().state == "rolled_back"
    finally:
        Recorded.hook = None
    assert bench.files[JSON] == theirs[JSON]
