"""Published ports tried by a client outside of a small host, through the real kernel's FORWARD."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from netops.engine.adapters.netlink import LinuxNetlink
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
from tests.kernel.conftest import Namespace, SmallHost

HOST = IPv4Address("10.10.0.1")
TO = IPv4Address("10.10.0.2")
TCP, UDP = 8080, 5140
SERVE = f"""
import socket, sys, threading
listener = socket.create_server(("10.10.0.2", {TCP}), backlog=200)
echo = socket.socket(2, 2)
echo.bind(("10.10.0.2", {UDP}))
quiet = socket.socket(2, 2)
quiet.bind(("10.10.0.2", {UDP + 1}))
print("ready", flush=True)
while True:
    data, client = echo.recvfrom(99)
    echo.sendto(data, client)
"""


@pytest.fixture
def published(small_host: SmallHost) -> Iterator[Namespace]:
    """The small host's namespace; ports 8000 and up of it lead to a container that serves."""
    host, container = small_host.host, small_host.container
    container.ip("route add default via 10.10.0.1")
    host.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    for chain in ("PREROUTING", "OUTPUT"):
        for protocol in ("tcp", "udp"):
            rule = f"{chain} -p {protocol} -m addrtype --dst-type LOCAL -j DNAT --to {TO}"
            host.run("iptables", "-t", "nat", "-A", *rule.split())
    entered = ["nsenter", "-t", str(container.pid), "-n", "python3", "-c", SERVE]
    with subprocess.Popen(entered, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        yield host
        server.kill()


def tried(
    host: Namespace, *ports: tuple[str, int], outside: bool = True, timeout_s: float = 0.4
) -> list[PortAnswer]:
    probes = [PortProbe(protocol, HOST, port) for protocol, port in ports]
    return list(host.inside(lambda: LinuxNetlink().try_ports(probes, timeout_s, outside=outside)))


@pytest.mark.parametrize("outside", [True, False])
def test_it_says_how_each_port_answers(published: Namespace, outside: bool) -> None:
    asked = (("tcp", TCP), ("udp", UDP), ("udp", UDP + 1), ("tcp", 9), ("udp", 9))
    assert tried(published, *asked, outside=outside) == [
        PortAnswer(OPEN, (TO, TCP)),
        PortAnswer(ANSWERED, (TO, UDP)),
        PortAnswer(LED, (TO, UDP + 1)),
        PortAnswer(REFUSED, (TO, 9)),
        PortAnswer(REFUSED, (TO, 9)),
    ]


@pytest.mark.parametrize(("target", "word"), [("REJECT", REJECTED), ("DROP", SILENT)])
def test_a_rule_in_forward_is_seen_from_outside_alone(
    published: Namespace, target: str, word: str
) -> None:
    published.run("iptables", "-A", "FORWARD", "-j", target)
    asked = (("tcp", TCP), ("udp", UDP), ("udp", UDP + 1))
    assert tried(published, *asked) == [PortAnswer(word)] * 3
    words = [answer.word for answer in tried(published, *asked, outside=False)]
    assert words == [OPEN, ANSWERED, LED]


def test_a_container_whose_answers_are_dropped_is_led_to(published: Namespace) -> None:
    published.run("iptables", "-A", "FORWARD", "-i", "br0", "-j", "DROP")
    asked = (("tcp", TCP), ("udp", UDP))
    assert tried(published, *asked) == [PortAnswer(LED, (TO, TCP)), PortAnswer(LED, (TO, UDP))]


def test_a_host_where_nothing_is_bound_nor_led_rejects(published: Namespace) -> None:
    published.run("iptables", "-t", "nat", "-F")
    for outside in (True, False):
        found = tried(published, ("tcp", TCP), ("udp", UDP), outside=outside)
        assert [answer.word for answer in found] == [REJECTED, REJECTED]


def test_without_events_of_conntrack_a_reset_is_no_proof_of_a_rejection(
    published: Namespace,
) -> None:
    published.run("sh", "-c", "echo 0 > /proc/sys/net/netfilter/nf_conntrack_events")
    assert tried(published, ("tcp", 9)) == [PortAnswer(REFUSED)]


def test_strict_filters_of_the_host_let_the_client_through(published: Namespace) -> None:
    for name, value in (("rp_filter", 1), ("arp_ignore", 2), ("arp_filter", 1)):
        for scope in ("all", "default"):
            published.run("sh", "-c", f"echo {value} > /proc/sys/net/ipv4/conf/{scope}/{name}")
    assert [a.word for a in tried(published, ("tcp", TCP), ("udp", UDP))] == [OPEN, ANSWERED]


def test_it_leaves_the_host_as_it_was(published: Namespace) -> None:
    def state() -> list[str]:
        sysctls = "grep -r . /proc/sys/net/ipv4/conf /proc/sys/net/ipv4/ip_forward | sort"
        return [
            published.run("sh", "-c", "ls /proc/sys/net/ipv4/conf"),
            published.ip("-4 addr show"),
            published.ip("-4 route show table all"),
            published.ip("neigh show nud permanent"),
            published.run("sh", "-c", sysctls),
        ]

    # A new bridge is "UNKNOWN" until the kernel has looked at its ports.
    until(lambda: "state UNKNOWN" not in published.ip("-4 addr show br0"))
    before = state()
    tried(published, ("tcp", TCP), ("udp", UDP))
    assert state() == before


def test_it_takes_an_address_that_no_route_of_the_host_leads_to(published: Namespace) -> None:
    published.ip("route add 198.18.0.0/15 dev br0")
    assert [a.word for a in tried(published, ("tcp", TCP))] == [OPEN]
    published.ip("route add blackhole 169.254.0.0/16")
    with pytest.raises(Exception, match="no address is left for a client"):
        tried(published, ("tcp", TCP))
    assert "vethdnp" not in published.ip("link show")


def test_silent_ports_are_tried_at_the_same_time(published: Namespace) -> None:
    published.run("iptables", "-A", "FORWARD", "-j", "DROP")
    asked = [*(("tcp", 8000 + n) for n in range(40)), *(("udp", 8000 + n) for n in range(20))]
    before = time.monotonic()
    assert {answer.word for answer in tried(published, *asked)} == {SILENT}
    # One after the other they would take 24 s.
    assert time.monotonic() - before < 12


def test_a_client_goes_with_its_process(published: Namespace) -> None:
    """The host's end has no address meanwhile, for programs that look out for new ones."""
    published.run("iptables", "-A", "FORWARD", "-j", "DROP")
    code = (
        "from ipaddress import IPv4Address as A\n"
        "from netops.engine.adapters.netlink import LinuxNetlink as L\n"
        "from netops.engine.ports import PortProbe as P\n"
        f"L().try_ports([P('tcp', A('{HOST}'), 80)], 60.0, outside=True)"
    )
    root = Path(__file__).resolve().parents[2]
    client = subprocess.Popen(
        ["nsenter", "-t", str(published.pid), "-n", str(root / ".venv/bin/python"), "-c", code],
        cwd=root,
    )
    # The route comes last.
    until(lambda: "vethdnp" in published.ip("route show"))
    link = re.findall(r"vethdnp\w+", published.ip("route show"))[0]
    assert "inet" not in published.ip(f"addr show dev {link}")
    seen = published.inside(lambda: (LinuxNetlink().links(), LinuxNetlink().routes()))
    assert "vethdnp" not in str(seen)
    client.kill()
    client.wait()
    until(lambda: "vethdnp" not in published.ip("link show"))


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that comes by itself."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
