"""When the agent looks at its NAT rules, and what it says; the rules themselves are elsewhere."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from netops.agent import keeper as module
from netops.agent.config import Place
from netops.agent.keeper import Keeper
from netops.engine.errors import OperationFailed
from netops.engine.nat_setting import NatState


class Bench:
    """A keeper on a host whose tables lack what the test says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = Place(folder / "agent.json", folder)
        self.lacks: list[str] = []
        self.answer: Any = []
        self.asked = 0
        ports = SimpleNamespace(
            nat=SimpleNamespace(read=NatState),
            forwarding=SimpleNamespace(enabled=lambda: True),
        )
        monkeypatch.setattr(module, "host_ports", lambda: ports)
        monkeypatch.setattr(module, "lacking", lambda *_: self.lacks)
        monkeypatch.setattr(module, "child_ask", self.ask)
        self.keeper = Keeper(self.place)

    def ask(self, *_: object, **__: object) -> Any:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    one = Bench(tmp_path, monkeypatch)
    one.place.nat.write_text("{}")
    return one


def test_a_host_without_settings_is_never_looked_at(bench: Bench) -> None:
    bench.place.nat.unlink()
    bench.lacks = ["all was gone"]
    bench.keeper.due_soon()
    assert bench.keeper.due() == math.inf
    assert bench.keeper.restore() is None
    assert bench.asked == 0


def test_it_looks_soon_after_somebody_wrote(bench: Bench) -> None:
    assert bench.keeper.due() == math.inf
    bench.keeper.due_soon()
    assert 0 < bench.keeper.due() <= module.SOON_S
    assert bench.keeper.restore() is None
    assert bench.asked == 0
    assert bench.keeper.due() == math.inf
    bench.keeper.due_soon()
    assert module.SOON_S < bench.keeper.due() <= module.BETWEEN_S


def test_it_says_what_was_missing(bench: Bench) -> None:
    bench.lacks, bench.answer = ["x"], ["the chain DOCKERNET-OUTPUT was gone"]
    told = bench.keeper.restore()
    assert told is not None
    assert (told.missing, told.error) == (("the chain DOCKERNET-OUTPUT was gone",), "")


def test_a_failure_is_told_once_and_tried_again(bench: Bench) -> None:
    bench.lacks, bench.answer = ["x"], OperationFailed("The disk is full.")
    told = bench.keeper.restore()
    assert told is not None
    assert told.error == "The disk is full."
    assert 0 < bench.keeper.due() <= module.AGAIN_S
    assert bench.keeper.restore() is None
    assert bench.asked == 2
    bench.answer = ["x"]
    assert bench.keeper.restore() is not None
    bench.answer = OperationFailed("The disk is full.")
    assert bench.keeper.restore() is not None


def test_what_others_write_is_reported_now_and_then(bench: Bench) -> None:
    assert bench.keeper.look_due()
    assert not bench.keeper.look_due()
