"""Steps that write down what is called, and a host of which only little matters."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from netops.engine import apply as engine
from netops.engine.context import Context, Saved
from netops.engine.journal import Journal
from netops.engine.nat_setting import NatState
from netops.engine.observed import Controller
from netops.engine.plan import Plan, StepSpec, digest_of
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


def fail(where: str, *errors: BaseException) -> None:
    Recorded.faults[where] = list(errors)


def undone() -> list[str]:
    return [line for line in Recorded.log if line.startswith("undo")]


def kill(bench: Bench, where: str) -> None:
    """Apply in a process that ends there."""
    fail(where, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.apply()
    Recorded.log.clear()
    bench.heard.clear()
