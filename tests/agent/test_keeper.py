"""When the agent looks at its NAT rules, and what it says; the rules themselves are elsewhere."""

from __future__ import annotations

import math
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from netops.agent import keeper as module
from netops.agent.config import Place
from netops.agent.keeper import Keeper
from netops.engine.errors import OperationFailed
from netops.engine.nat.places import Places
from netops.engine.nat_setting import NatSetting, NatState
from netops.engine.observed import DockerNetwork


class Bench:
    """A keeper on a host whose tables lack what the test says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = Place(folder / "agent.json", folder)
        self.lacks: list[str] = []
        self.answer: Any = []
        self.asked = 0
        self.places: Any = None
        self.state = NatState()
        ports = SimpleNamespace(
            nat=SimpleNamespace(read=lambda: self.state),
            forwarding=SimpleNamespace(enabled=lambda: True),
            docker=SimpleNamespace(places=self.docker),
        )
        monkeypatch.setattr(module, "host_ports", lambda: ports)
        monkeypatch.setattr(module, "lacking", lambda *_: self.lacks)
        monkeypatch.setattr(module, "child_ask", self.ask)
        self.keeper = Keeper(self.place)

    def docker(self) -> Any:
        if isinstance(self.places, Exception):
            raise self.places
        return self.places

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


def test_a_network_that_has_another_bridge_is_looked_into(bench: Bench) -> None:
    spec: dict[str, Any] = {"subnet": "10.66.0.0/24", "mode": "masquerade"}
    bench.state = NatState((NatSetting(spec, "br-old", 7),))
    network = DockerNetwork("i", "app", "bridge", "br-old", (IPv4Network("10.66.0.0/24"),))
    bench.places = Places((network,))
    assert bench.keeper.restore() is None
    assert bench.asked == 0
    bench.places, bench.answer = Places((evolve(network, bridge="br-new"),)), ["it is on br-new"]
    told = bench.keeper.restore()
    assert told is not None
    assert told.missing == ("it is on br-new",)


def test_it_looks_again_until_docker_answers(bench: Bench) -> None:
    bench.places = OperationFailed("Docker starts.")
    assert bench.keeper.restore() is None
    assert 0 < bench.keeper.due() <= module.BETWEEN_S
    assert bench.keeper.restore() is None
    assert module.BETWEEN_S < bench.keeper.due() <= 2 * module.BETWEEN_S
    bench.places = Places()
    assert bench.keeper.restore() is None
    assert bench.keeper.due() == math.inf
    assert bench.asked == 0


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
