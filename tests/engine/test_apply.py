"""How a job goes on, goes back and is settled; steps of the test's own, no host."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from attrs import evolve

from netops.engine import apply as engine
from netops.engine import go_back, rollback
from netops.engine.context import Context, Saved
from netops.engine.errors import OperationFailed, Refused
from netops.engine.journal import Journal
from netops.engine.nat_setting import NatState
from netops.engine.observed import Controller
from netops.engine.plan import BLOCKER, Finding, Plan, StepSpec, digest_of
from netops.engine.settle import settle
from netops.engine.steps.base import Step

JSON = "/etc/docker/daemon.json"
SPECS = tuple(StepSpec(name, f"Do {name}", name) for name in ("a", "b", "c"))
PLAN = Plan("test", {}, {}, SPECS, (), (), 0.0, digest_of({}, {}, SPECS))


class Recorded(Step):
    """Writes down what is called, and fails where it is told to."""

    log: ClassVar[list[str]] = []
    hook: ClassVar[Any] = None
    faults: ClassVar[dict[str, list[BaseException]]] = {}

    def __init__(self, name: str) -> None:
        super().__init__({})
        self.name = name

    def _call(self, what: str) -> None:
        self.log.append(f"{what} {self.name}")
        if self.log[-1] == "do b" and Recorded.hook:
            Recorded.hook()
        if pending := self.faults.get(f"{what} {self.name}"):
            raise pending.pop(0)

    def save(self, ctx: Context) -> Saved:
        self._call("save")
        return {"was": self.name}

    def do(self, ctx: Context) -> None:
        self._call("do")

    def check(self, ctx: Context) -> None:
        self._call("check")

    def undo(self, ctx: Context, saved: Saved) -> None:
        assert saved == {"was": self.name}
        self._call("undo")


class Bench:
    """A journal, a host of which only the boot matters, and the events heard."""

    def __init__(self, folder: Path) -> None:
        self.boot = "boot-1"
        self.files: dict[str, tuple[bytes, int]] = {JSON: (b"{}", 0o644)}
        self.journal = Journal(folder / "job")
        self.heard: list[str] = []
        self.deaf = False
        self.ports: Any = SimpleNamespace(
            facts=SimpleNamespace(read=lambda: SimpleNamespace(boot_id=self.boot)),
            docker=SimpleNamespace(
                containers=lambda: (), daemon=lambda: SimpleNamespace(running=True)
            ),
            config=SimpleNamespace(read_bytes=self.files.get),
            netlink=SimpleNamespace(addresses=lambda: ()),
            firewall=SimpleNamespace(saved=lambda: ""),
            nat=SimpleNamespace(read=NatState),
            forwarding=SimpleNamespace(enabled=lambda: True),
        )

    def emit(self, kind: str, message: str = "", *, step: int | None = None, **data: Any) -> None:
        if self.deaf:
            raise OSError("no space left on device")
        self.heard.append(kind if step is None else f"{kind} {step}")

    def apply(self, plan: Plan = PLAN) -> engine.Outcome:
        return engine.apply(plan, self.ports, self.emit, self.journal, Controller())

    def settle(self) -> engine.Outcome:
        return settle(Journal(self.journal.folder), self.ports, self.emit)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    for module in (engine, rollback):
        monkeypatch.setattr(module, "step_of", lambda spec: Recorded(spec.kind))
    monkeypatch.setattr(Recorded, "log", [])
    monkeypatch.setattr(Recorded, "faults", {})
    return Bench(tmp_path)


def fail(where: str, *errors: BaseException) -> None:
    Recorded.faults[where] = list(errors)


def undone() -> list[str]:
    return [line for line in Recorded.log if line.startswith("undo")]


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


def kill(bench: Bench, where: str) -> None:
    """Apply in a process that ends there."""
    fail(where, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.apply()
    Recorded.log.clear()
    bench.heard.clear()


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
    broken = {JSON: (b"{x", 0o644)}
    monkeypatch.setattr(Recorded, "hook", lambda: bench.files.update(broken))
    outcome = bench.apply()
    assert outcome.state == "failed"
    assert outcome.left == (f"cp -p {bench.journal.before}/daemon.json {JSON}",)
    assert outcome.left[0] in outcome.message
    assert (bench.journal.before / "daemon.json").read_bytes() == b"{}"
