"""How published ports compare with what was heard of them before; no host."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from netops.engine import published
from netops.engine.before import Before, RanBefore
from netops.engine.context import Context
from netops.engine.errors import OperationFailed
from netops.engine.observed import Container, Publish
from netops.engine.port_answer import (
    ANSWERED,
    LED,
    OPEN,
    REFUSED,
    REJECTED,
    SILENT,
    PortAnswer,
    PortProbe,
)
from netops.engine.published import PortHeard, compared, forget_published, lost_since, ports_heard
from netops.engine.serial import from_json, to_json
from netops.engine.verify import ports_of
from tests.engine.made_hosts import container, host

PROBE = IPv4Address("198.51.100.10")
WEB = container("web", publishes=(Publish("tcp", None, 8080, 80), Publish("udp", None, 514, 514)))


def heard(outside: str, by_host: str, **more: Any) -> PortHeard:
    return evolve(PortHeard("udp", 514, 514, None, outside, by_host), **more)


@pytest.mark.parametrize(
    ("before", "now", "word"),
    [
        ((OPEN, OPEN), (OPEN, OPEN), OPEN),
        ((OPEN, OPEN), (SILENT, OPEN), SILENT),
        ((OPEN, OPEN), (OPEN, SILENT), SILENT),
        ((OPEN, OPEN), (REJECTED, OPEN), REJECTED),
        ((OPEN, OPEN), (REFUSED, REFUSED), REFUSED),
        ((OPEN, OPEN), (REFUSED, SILENT), SILENT),
        ((ANSWERED, ANSWERED), (LED, ANSWERED), SILENT),  # the answers do not come out
        ((LED, LED), (LED, ANSWERED), OPEN),
        ((LED, LED), (SILENT, LED), SILENT),
        ((LED, LED), (REFUSED, REFUSED), REFUSED),
        # Nobody outside was answered before: the host's own connection decides.
        ((SILENT, OPEN), (SILENT, OPEN), OPEN),
        ((SILENT, OPEN), (SILENT, SILENT), SILENT),
        ((REJECTED, OPEN), (SILENT, OPEN), OPEN),
        (("", OPEN), (SILENT, OPEN), OPEN),
        # There is no client outside any more.
        ((OPEN, OPEN), ("", OPEN), OPEN),
        ((REFUSED, REFUSED), (SILENT, SILENT), OPEN),
    ],
)
def test_a_port_fails_where_a_path_that_answered_does_not(
    before: tuple[str, str], now: tuple[str, str], word: str
) -> None:
    assert compared(heard(*before), heard(*now)) == word


def test_a_host_port_that_docker_chose_anew_is_the_same_port() -> None:
    before = (heard(OPEN, OPEN, host_port=32768), heard(SILENT, OPEN, host_port=32769))
    assert lost_since(before, heard(SILENT, OPEN, host_port=32780)) == SILENT
    assert lost_since(before, heard(SILENT, OPEN, host_port=32769)) == OPEN
    assert lost_since(before, heard(SILENT, SILENT, container_port=9)) == OPEN
    elsewhere = heard(SILENT, SILENT, host_ip=IPv4Address("127.0.0.1"))
    assert lost_since(before, elsewhere) == OPEN


class Bench:
    """A host whose ports answer what `answers` says by (protocol, outside); counts its calls."""

    def __init__(self, *containers: Container) -> None:
        self.answers: dict[tuple[str, bool], PortAnswer] = {}
        self.asked: list[tuple[PortProbe, bool]] = []
        self.forgotten: list[tuple[IPv4Network | None, set[Any], set[Any]]] = []
        self.said: list[str] = []
        self.client = True
        docker = SimpleNamespace(containers=lambda: containers)
        netlink = SimpleNamespace(try_ports=self.try_ports, forget_connections=self.forget)
        ports: Any = SimpleNamespace(docker=docker, netlink=netlink)
        self.ctx = Context(ports, host().controller, self.said.append)

    def try_ports(
        self, probes: list[PortProbe], timeout_s: float, *, outside: bool
    ) -> tuple[PortAnswer, ...]:
        if outside and not self.client:
            raise OperationFailed("No network namespace: Operation not permitted.")
        self.asked += [(probe, outside) for probe in probes]
        return tuple(self.answers.get((p.protocol, outside), PortAnswer(SILENT)) for p in probes)

    def forget(self, subnet: IPv4Network | None, ports: Any = (), keep: Any = ()) -> int:
        self.forgotten.append((subnet, set(ports), set(keep)))
        return 2


def test_ports_are_tried_on_an_address_of_the_host_by_both() -> None:
    own = Publish("tcp", IPv4Address("127.0.0.1"), 9090, 90)
    bench = Bench()
    bench.answers = {("tcp", True): PortAnswer(OPEN), ("udp", True): PortAnswer(ANSWERED)}
    found = ports_heard(bench.ctx, [evolve(WEB, publishes=(*WEB.publishes, own))], PROBE)
    assert found == {
        "web-id": (
            PortHeard("tcp", 80, 8080, None, OPEN, SILENT),
            PortHeard("tcp", 90, 9090, own.host_ip, "", SILENT),
            PortHeard("udp", 514, 514, None, ANSWERED, SILENT),
        )
    }
    # Nobody outside can send to 127.0.0.1 (RFC 1122, 3.2.1.3).
    assert (PortProbe("tcp", IPv4Address("127.0.0.1"), 9090), True) not in bench.asked


def test_packets_that_are_led_to_somebody_else_are_not_led() -> None:
    bench = Bench()
    bench.answers = {
        ("udp", True): PortAnswer(LED, (IPv4Address("172.17.0.2"), 514)),
        ("udp", False): PortAnswer(LED, (IPv4Address("172.17.0.9"), 514)),
    }
    udp = evolve(WEB, publishes=WEB.publishes[1:])
    assert ports_heard(bench.ctx, [udp], PROBE)["web-id"][0].outside == LED
    assert ports_heard(bench.ctx, [udp], PROBE)["web-id"][0].host == SILENT


def test_where_no_client_can_be_made_the_host_decides_and_it_is_told_once() -> None:
    bench = Bench()
    bench.client = False
    bench.answers = {("tcp", False): PortAnswer(OPEN)}
    for _ in range(2):
        found = ports_heard(bench.ctx, [WEB], PROBE)["web-id"]
        assert [(port.outside, port.host) for port in found] == [("", OPEN), ("", SILENT)]
    assert len(bench.said) == 1
    assert bench.said[0].startswith("Published ports are tried from this host alone: No network")


def test_a_range_of_ports_is_tried_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "MOST", 6)
    range_of = tuple(Publish("udp", None, 10000 + n, 10000 + n) for n in range(50))
    bench = Bench()
    found = ports_heard(bench.ctx, [evolve(WEB, publishes=range_of), container("bare")], PROBE)
    assert [port.host_port for port in found["web-id"]] == [10000 + n for n in range(6)]


def test_without_published_ports_nothing_is_sent() -> None:
    bench = Bench()
    sctp = container("sctp", publishes=(Publish("sctp", None, 9, 9), Publish("tcp", None, 0, 7)))
    assert ports_heard(bench.ctx, [container("bare"), sctp], PROBE) == {}
    assert bench.asked == []


def ran(**more: Any) -> dict[str, Any]:
    """A container in a journal that was written before ports were kept with how they answered."""
    names = ("id", "name", "image", "network_mode", "restart_policy", "endpoints", "publishes")
    was = {name: to_json(getattr(WEB, name)) for name in names}
    flags = {"paused": False, "restarting": False, "auto_remove": False, "reaches": True}
    return {**was, **flags, **more}


def test_an_old_journal_still_says_what_answered_the_host() -> None:
    old = from_json(RanBefore, ran(answered=[80]))
    assert ports_of(old) == (PortHeard("tcp", 80, 8080, None, host=OPEN),)
    before = {
        "interface": "172.17.0.1/16", "addresses": [], "bridge_up": True, "daemon_pid": 1,
        "target": None, "probe": "198.51.100.10", "containers": [ran(answered=[80])],
    }  # fmt: skip
    assert from_json(Before, before).containers == (old,)
    new = evolve(old, answered=(), ports=(heard(LED, LED),))
    assert from_json(RanBefore, to_json(new)) == new
    assert ports_of(new) == new.ports


def test_connections_to_every_port_that_is_published_now_are_forgotten() -> None:
    sctp = container(
        "sctp", 3, publishes=(Publish("sctp", None, 9, 9), Publish("dccp", None, 8, 8))
    )
    off = container("off", 4, state="exited", publishes=(Publish("tcp", None, 81, 81),))
    bench = Bench(WEB, sctp, off)
    subnet = IPv4Network("172.17.0.0/16")
    assert forget_published(bench.ctx, [subnet], [("udp", 515)]) == 4
    ports = {(6, 8080), (17, 514), (132, 9), (17, 515)}
    led = {
        (6, IPv4Address("172.17.0.2"), 80),
        (17, IPv4Address("172.17.0.2"), 514),
        (132, IPv4Address("172.17.0.3"), 9),
    }
    assert bench.forgotten == [(subnet, set(), set()), (None, ports, led)]


def test_without_published_ports_only_the_subnets_connections_are_forgotten() -> None:
    bench = Bench(container("bare"))
    subnet = IPv4Network("172.17.0.0/16")
    assert forget_published(bench.ctx, [subnet]) == 2
    assert bench.forgotten == [(subnet, set(), set())]
