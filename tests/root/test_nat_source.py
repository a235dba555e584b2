"""SNAT to addresses that nobody outside has a way to: refused, or taken back by the proof."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab import Lab
from lab.host import LabHost
from tests.root.in_host import engine_run
from tests.root.nat_on_host import nat, nat_ask, reaches_out, saved, source_seen

LONE = "203.0.113.7"
STATE = "cat /var/lib/dockernet/nat.json || echo none"


@contextmanager
def lone_address(host: LabHost, link: str) -> Iterator[None]:
    """An address of the host that nobody outside has a way to."""
    made = link != "lo"
    if made:
        host.run(f"ip link add {link} type veth peer name {link}p && ip link set {link} up")
    host.run(f"ip addr add {LONE}/32 dev {link}")
    try:
        yield
    finally:
        host.run(f"ip link del {link}" if made else f"ip addr del {LONE}/32 dev lo")


def told(answer: dict[str, Any]) -> str:
    return str(answer["outcome"]["message"])


def blockers(host: LabHost, asked: dict[str, Any]) -> list[str]:
    plan = engine_run(host, "plan", asked)
    return [f["code"] for f in plan["findings"] if f["severity"] == "blocker"]


@pytest.mark.parametrize("to", ["172.17.0.1", "127.0.0.1", "127.0.0.9"])
def test_loopback_and_dockers_bridges_are_refused_as_source(
    lab: Lab, bare: LabHost, to: str
) -> None:
    before = saved(bare)
    assert blockers(bare, nat_ask(lab, "o1", mode="snat", to_source=to)) == ["source-not-usable"]
    assert saved(bare) == before


@pytest.mark.parametrize("translated", [True, False])
def test_a_source_without_a_way_back_goes_back(lab: Lab, bare: LabHost, translated: bool) -> None:
    job = f"n-{translated}"
    if translated:
        answer = nat(bare, lab, f"{job}-1", mode="masquerade")
        assert answer["outcome"]["state"] == "succeeded", answer["outcome"]
    before, state = saved(bare), bare.run(STATE).stdout
    with lone_address(bare, "lone0"):
        answer = nat(bare, lab, f"{job}-2", mode="snat", to_source=LONE)
        assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
        assert ("answered packets from" if translated else "answers this host") in told(answer)
        assert saved(bare) == before
        assert bare.run(STATE).stdout == state
        assert reaches_out(lab, bare, "c1") is translated
    if translated:
        assert source_seen(lab, bare, "c1", 9021) == str(bare.address)
        nat(bare, lab, f"{job}-3", mode="none")


def test_an_exclusion_that_cuts_off_what_answered_goes_back(lab: Lab, bare: LabHost) -> None:
    answer = nat(bare, lab, "u1", mode="masquerade")
    assert answer["outcome"]["state"] == "succeeded", answer["outcome"]
    before = saved(bare)
    answer = nat(bare, lab, "u2", mode="masquerade", exclude=[str(lab.segment.network)])
    assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
    assert "answered packets from" in told(answer)
    assert saved(bare) == before
    assert reaches_out(lab, bare, "c1")
    nat(bare, lab, "u3", mode="none")


def test_an_address_on_lo_is_accepted_and_proved(lab: Lab, bare: LabHost) -> None:
    before = saved(bare)
    ask = nat_ask(lab, "b1", mode="snat", to_source=LONE) | {"controller": []}
    accepted = {**ask, "spec": {**ask["spec"], "accept": ["source-on-loopback"]}}
    with lone_address(bare, "lo"):
        assert blockers(bare, ask) == ["source-on-loopback"]
        answer = engine_run(bare, "apply", accepted)
        assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
        assert saved(bare) == before
        way = [f"{LONE}/32", "via", str(bare.address)]
        lab.segment.run_outside(["ip", "route", "add", *way])
        try:
            job = {**accepted, "job": "/var/lib/dockernet/jobs/b2"}
            answer = engine_run(bare, "apply", job)
            assert answer["outcome"]["state"] == "succeeded", answer["outcome"]
            assert source_seen(lab, bare, "c1", 9022) == LONE
        finally:
            lab.segment.run_outside(["ip", "route", "del", *way])
        nat(bare, lab, "b3", mode="none")
    assert saved(bare) == before
