"""Packets sent on purpose, through the real kernel's bridge, NAT and conntrack."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface

import pytest

from netops.engine.adapters.probe import translated
from netops.engine.errors import OperationFailed
from netops.engine.ports import Translation
from tests.kernel.conftest import Namespace, SmallHost

UP, OUTSIDE = "203.0.113.11", "203.0.113.254"
FREE, GATEWAY = IPv4Interface("10.10.0.200/24"), IPv4Address("10.10.0.1")


@pytest.fixture
def router(small_host: SmallHost, namespace: Callable[[], Namespace]) -> SmallHost:
    """The small host with a link to somebody outside, who knows no way back to 10.10.0.0/24."""
    outside, host = namespace(), small_host.host
    host.ip(f"link add up0 type veth peer name eth0 netns {outside.pid}")
    host.ip(f"addr add {UP}/24 dev up0")
    host.ip("link set up0 up")
    outside.ip(f"addr add {OUTSIDE}/24 dev eth0")
    outside.ip("link set eth0 up")
    host.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    return small_host


def send(router: SmallHost, address: IPv4Interface = FREE) -> Translation:
    """A packet from the bridge to the outside."""
    target = IPv4Address(OUTSIDE)
    return router.host.inside(lambda: translated("br0", address, GATEWAY, target))


def test_it_reads_as_what_a_packet_left(router: SmallHost) -> None:
    rule = "POSTROUTING -s 10.10.0.0/24 ! -o br0 -j MASQUERADE"
    router.host.run("iptables", "-t", "nat", "-A", *rule.split())
    assert send(router) == Translation(IPv4Address(UP), True)
    assert "dnp" not in router.host.ip("link show")


def test_it_sees_that_nothing_translates(router: SmallHost) -> None:
    # The table is there, so that connections are tracked, and it does nothing.
    rule = f"POSTROUTING -s 10.99.0.0/16 -j SNAT --to-source {UP}"
    router.host.run("iptables", "-t", "nat", "-A", *rule.split())
    assert send(router) == Translation(FREE.ip, False)


def test_it_sees_that_a_packet_was_dropped(router: SmallHost) -> None:
    router.host.run("iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "up0", "-j", "MASQUERADE")
    router.host.run("iptables", "-P", "FORWARD", "DROP")
    assert send(router) == Translation(None, False)


def test_it_takes_no_address_that_somebody_has(router: SmallHost) -> None:
    with pytest.raises(OperationFailed, match=r"Somebody on the bridge has 10\.10\.0\.2 already"):
        send(router, IPv4Interface("10.10.0.2/24"))
    assert "dnp" not in router.host.ip("link show")


def test_it_says_that_there_is_no_such_bridge(router: SmallHost) -> None:
    with pytest.raises(OperationFailed, match="There is no link br7"):
        router.host.inside(lambda: translated("br7", FREE, GATEWAY, IPv4Address(OUTSIDE)))
