"""Plans made of recordings of real hosts (recorded/)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netops.engine.desired_subnet import parse
from netops.engine.observed import Observed
from netops.engine.plan import Plan
from netops.engine.planner import make_plan
from netops.engine.serial import from_json

RECORDED = Path(__file__).parent / "recorded"
NEW = {"network": "bridge", "subnet": "192.168.225.0/24", "accept": ["removes-container"]}

USUAL = {"removes-container", "ignores-stop-signal", "restarts-containers"}
USUAL |= {"starts-unmanaged-containers"}
CODES = {
    "sysv": USUAL | {"rules-name-old-subnet"},
    "systemd": USUAL | {"rules-name-old-subnet"},
    "sysv_docker_opts": USUAL,
    "systemd_daemon_json": USUAL | {"live-restore"},
    "sysv_broken_json": USUAL | {"rules-name-old-subnet", "config-unreadable"},
    "systemd_stopped": {"docker-not-running"},
}


def recording(name: str) -> Observed:
    return from_json(Observed, json.loads((RECORDED / f"{name}.json").read_text()))


def plan_for(name: str, **more: object) -> Plan:
    return make_plan(recording(name), parse({**NEW, **more}))


def test_it_knows_every_recording() -> None:
    assert set(CODES) == {path.stem for path in RECORDED.glob("*.json")}


@pytest.mark.parametrize("name", CODES)
def test_it_finds_exactly_what_is_the_matter_with_a_real_host(name: str) -> None:
    made = plan_for(name)
    assert {finding.code for finding in made.findings} == CODES[name]
    assert made.blocked == (name in ("sysv_broken_json", "systemd_stopped"))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("sysv", "/etc/docker/daemon.json"),
        ("sysv_docker_opts", "/etc/default/docker"),
        ("systemd_daemon_json", "/etc/docker/daemon.json"),
    ],
)
def test_it_writes_where_the_setting_is_in_force(name: str, path: str) -> None:
    step = next(s for s in plan_for(name).steps if s.kind == "write_config")
    assert step.title == f"Set bip to 192.168.225.1/24 in {path}"


@pytest.mark.parametrize("name", ["sysv", "systemd", "sysv_docker_opts", "systemd_daemon_json"])
def test_it_moves_each_container_of_the_default_bridge(name: str) -> None:
    observed, moves = recording(name), plan_for(name).containers
    subnet = observed.networks[0].subnets[0]
    on_bridge = {c.name for c in observed.containers if c.running and c.endpoint("bridge")}
    assert {m.name for m in moves} == on_bridge
    assert all(m.from_ is not None and m.from_ in subnet for m in moves)
    assert [m.name for m in moves if m.to is None] == ["temporary"]


def test_it_counts_the_container_that_ignores_its_stop_signal() -> None:
    assert 10 < plan_for("sysv").expected_outage_s < 15


def test_it_sees_that_nothing_would_change() -> None:
    observed = recording("sysv")
    subnet = next(n.subnets[0] for n in observed.networks if n.name == "bridge")
    codes = {f.code for f in plan_for("sysv", subnet=str(subnet)).findings}
    assert "no-change" in codes
