"""The netlink adapter on the real kernel."""

from __future__ import annotations

import asyncio
import ctypes
import json
import struct
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

import pytest

from netops.engine.adapters.netlink import LinuxNetlink
from netops.engine.adapters.threads import namespace_id
from netops.engine.errors import OperationFailed
from tests.kernel.conftest import Namespace, SmallHost

NETLINK = LinuxNetlink()


def addresses(where: Namespace, link: str) -> list[str]:
    """What ip(8) says of a link, as the judge."""
    found = json.loads(where.ip(f"-j -4 addr show dev {link}"))
    return [f"{a['local']}/{a['prefixlen']}" for entry in found for a in entry["addr_info"]]


def test_it_lists_links_with_kind_bridge_and_other_end(small_host: SmallHost) -> None:
    links = {link.name: link for link in small_host.host.inside(NETLINK.links)}
    assert set(links) == {"lo", "br0", "v0"}
    assert (links["br0"].kind, links["v0"].kind, links["lo"].kind) == ("bridge", "veth", "")
    assert (links["v0"].master, links["br0"].master) == ("br0", "")
    inner = json.loads(small_host.container.ip("-j link show dev eth0"))[0]
    assert links["v0"].peer_index == inner["ifindex"]
    assert links["v0"].up
    assert links["v0"].mtu == 1500


def test_it_sets_a_link_down_and_up(small_host: SmallHost) -> None:
    host = small_host.host
    host.inside(lambda: NETLINK.link_set("br0", up=False))
    assert "UP" not in json.loads(host.ip("-j link show dev br0"))[0]["flags"]
    host.inside(lambda: NETLINK.link_set("br0", up=True))
    assert "UP" in json.loads(host.ip("-j link show dev br0"))[0]["flags"]


def test_it_adds_and_removes_an_address_and_both_may_be_repeated(small_host: SmallHost) -> None:
    host, new = small_host.host, IPv4Interface("192.168.225.1/24")
    for _ in range(2):
        host.inside(lambda: NETLINK.address_add("br0", new))
    assert addresses(host, "br0") == ["10.10.0.1/24", "192.168.225.1/24"]
    assert "brd 192.168.225.255" in host.ip("addr show dev br0")
    for _ in range(2):
        host.inside(lambda: NETLINK.address_remove("br0", IPv4Interface("10.10.0.1/24")))
    assert addresses(host, "br0") == ["192.168.225.1/24"]
    seen = host.inside(NETLINK.addresses)
    assert [a.interface for a in seen if a.link == "br0"] == [new]


def test_it_tells_secondary_addresses_apart(small_host: SmallHost) -> None:
    host = small_host.host
    host.ip("addr add 10.10.0.7/24 dev br0")
    seen = {str(a.interface): a for a in host.inside(NETLINK.addresses)}
    assert seen["10.10.0.7/24"].secondary
    assert not seen["10.10.0.1/24"].secondary
    assert seen["127.0.0.1/8"].scope == "host"


def test_it_says_which_link_is_missing_and_changes_nothing(small_host: SmallHost) -> None:
    host = small_host.host
    before = host.ip("addr")
    for call in (
        lambda: NETLINK.link_set("docker9", up=False),
        lambda: NETLINK.address_add("docker9", IPv4Interface("10.0.0.1/8")),
    ):
        with pytest.raises(OperationFailed, match="no link docker9"):
            host.inside(call)
    assert host.ip("addr") == before


def test_it_reports_what_the_kernel_refuses(small_host: SmallHost) -> None:
    def without_rights() -> None:
        no_rights()
        NETLINK.address_add("br0", IPv4Interface("10.5.0.1/24"))

    with pytest.raises(OperationFailed, match="The kernel refused: Operation not permitted"):
        small_host.host.inside(without_rights)
    assert addresses(small_host.host, "br0") == ["10.10.0.1/24"]


def no_rights() -> None:
    """Give up all capabilities of the calling thread, which ends soon (capset(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("Ii", 0x20080522, 0)
    assert libc.capset(header, bytes(24)) == 0


def test_it_lists_routes_of_every_table_and_only_unicast(small_host: SmallHost) -> None:
    host = small_host.host
    host.ip("route add 10.20.0.0/16 via 10.10.0.9 table 100 proto static")
    host.ip("route add default via 10.10.0.2")
    host.ip("route add blackhole 10.30.0.0/16")
    host.ip("route add 10.40.0.0/16 nexthop via 10.10.0.3 nexthop via 10.10.0.4")
    routes = host.inside(NETLINK.routes)
    told = [(r.table, str(r.destination), str(r.gateway), r.link, r.protocol) for r in routes]
    assert told == [
        (100, "10.20.0.0/16", "10.10.0.9", "br0", "static"),
        (254, "0.0.0.0/0", "10.10.0.2", "br0", "boot"),
        (254, "10.10.0.0/24", "None", "br0", "kernel"),
        (254, "10.40.0.0/16", "10.10.0.3", "br0", "boot"),
        (254, "10.40.0.0/16", "10.10.0.4", "br0", "boot"),
    ]
    assert routes[2].source == IPv4Address("10.10.0.1")


def test_it_puts_routes_back_as_they_were(small_host: SmallHost) -> None:
    netlink, host = LinuxNetlink(), small_host.host
    host.ip("route add 10.9.0.0/16 via 10.10.0.2 dev br0 src 10.10.0.1 proto static")
    host.ip("route add 10.8.0.0/16 dev br0 table 77")
    before = host.inside(netlink.routes)
    added = [r for r in before if r.link == "br0" and r.protocol != "kernel"]
    assert {str(r.destination) for r in added} == {"10.8.0.0/16", "10.9.0.0/16"}

    host.ip("link set br0 down")
    assert not [r for r in host.inside(netlink.routes) if r.link == "br0"]
    host.ip("link set br0 up")
    for route in (*added, *added):
        host.inside(lambda route=route: netlink.route_add(route))  # type: ignore[misc]
    assert host.inside(netlink.routes) == before


def test_it_knows_the_link_that_a_packet_leaves_by(small_host: SmallHost) -> None:
    host = small_host.host
    assert host.inside(lambda: NETLINK.link_to(IPv4Address("10.10.0.55"))) == "br0"
    assert host.inside(lambda: NETLINK.link_to(IPv4Address("127.0.0.9"))) == "lo"
    assert host.inside(lambda: NETLINK.link_to(IPv4Address("192.0.2.1"))) == ""
    host.ip("link add d0 type bridge")
    host.ip("link set d0 up")
    host.ip("route add default dev d0 table 7")
    host.ip("rule add to 192.0.2.0/24 table 7")
    assert host.inside(lambda: NETLINK.link_to(IPv4Address("192.0.2.1"))) == "d0"


def test_it_looks_into_containers_and_returns_home(small_host: SmallHost) -> None:
    host, container = small_host.host, small_host.container
    home = namespace_id("thread-self")
    seen = host.inside(lambda: NETLINK.inside([container.pid, host.pid, 2**22 - 1]))
    assert set(seen) == {container.pid}  # not the host's own namespace, not a pid of nobody
    [eth0] = seen[container.pid].links
    assert eth0.name == "eth0"
    v0 = next(link for link in host.inside(NETLINK.links) if link.name == "v0")
    assert eth0.peer_index == v0.index
    assert [str(a.interface) for a in seen[container.pid].addresses] == ["10.10.0.2/24"]
    assert host.inside(lambda: NETLINK.addresses_in(container.pid)) == (
        IPv4Interface("10.10.0.2/24"),
    )
    assert NETLINK.addresses_in(2**22 - 1) == ()
    assert namespace_id("thread-self") == home


def test_it_pings_from_inside_a_container(small_host: SmallHost) -> None:
    container, home = small_host.container, namespace_id("thread-self")
    assert NETLINK.reaches(container.pid, IPv4Address("10.10.0.1"), 2.0)
    assert not NETLINK.reaches(container.pid, IPv4Address("10.10.0.77"), 0.5)
    assert not NETLINK.reaches(container.pid, IPv4Address("192.0.2.1"), 0.5)  # no route
    assert not NETLINK.reaches(2**22 - 1, IPv4Address("10.10.0.1"), 0.5)
    assert namespace_id("thread-self") == home


def test_it_pings_through_a_link_that_comes_up_meanwhile(small_host: SmallHost) -> None:
    host, container = small_host.host, small_host.container
    host.ip("link set v0 down")
    host.run("sh", "-c", "(sleep 0.4; ip link set v0 up) >/dev/null 2>&1 &")
    assert NETLINK.reaches(container.pid, IPv4Address("10.10.0.1"), 5.0)


def test_it_forgets_the_connections_of_one_subnet_only(small_host: SmallHost) -> None:
    host, container = small_host.host, small_host.container
    host.ip("addr add 10.11.0.1/24 dev br0")
    container.ip("addr add 10.11.0.2/24 dev eth0")
    # Tracking begins with the first rule that asks for it.
    host.run("iptables", "-A", "INPUT", "-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP")
    for target in ("10.10.0.1", "10.11.0.1"):
        assert NETLINK.reaches(container.pid, IPv4Address(target), 2.0)
    old, other = IPv4Network("10.10.0.0/24"), IPv4Network("10.11.0.0/24")
    assert host.inside(lambda: NETLINK.forget_connections(IPv4Network("10.99.0.0/16"))) == 0
    assert host.inside(lambda: NETLINK.forget_connections(old)) == 1
    assert host.inside(lambda: NETLINK.forget_connections(old)) == 0
    assert host.inside(lambda: NETLINK.forget_connections(other)) == 1


def test_it_forgets_who_goes_to_a_port(small_host: SmallHost) -> None:
    host, container = small_host.host, small_host.container
    host.run("iptables", "-A", "INPUT", "-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP")
    send = "import socket; s=socket.socket(2,2); s.sendto(b'x',('10.10.0.1',{}))"
    for port in (514, 515):
        container.run("python3", "-c", send.format(port))
    nobody = IPv4Network("10.99.0.0/16")
    forget = NETLINK.forget_connections
    assert host.inside(lambda: forget(nobody, {(6, 514), (17, 516)})) == 0
    assert host.inside(lambda: forget(nobody, {(17, 514)})) == 1
    assert host.inside(lambda: forget(nobody, {(17, 514)})) == 0
    assert host.inside(lambda: forget(IPv4Network("10.10.0.0/24"))) >= 1


def test_it_forgets_only_who_goes_to_a_port_of_this_host(small_host: SmallHost) -> None:
    """Somebody behind this host asks somebody else's port of the same number."""
    host, container = small_host.host, small_host.container
    host.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    host.run("iptables", "-A", "FORWARD", "-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP")
    host.ip("addr add 10.12.0.1/24 dev br0")
    container.ip("route add default via 10.10.0.1")
    code = "import socket; s=socket.socket(2,2); s.sendto(b'x',('{}',514))"
    container.run("python3", "-c", code.format("10.12.0.77"))
    container.run("python3", "-c", code.format("10.12.0.1"))
    forget = NETLINK.forget_connections
    assert host.inside(lambda: forget(None, {(17, 514)})) == 1
    assert host.inside(lambda: forget(IPv4Network("10.12.0.77/32"))) == 1


def test_it_forgets_what_the_container_began_from_its_port(small_host: SmallHost) -> None:
    """Answers to the port are then those of that connection, and go where it came from."""
    host = small_host.host
    host.run("iptables", "-A", "INPUT", "-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP")
    host.ip("addr add 10.13.0.1/32 dev lo")
    code = "import socket; s=socket.socket(2,2); s.bind(('10.13.0.1',514)); "
    host.run("python3", "-c", f"{code}s.sendto(b'x',('10.10.0.2',5000))")
    assert host.inside(lambda: NETLINK.forget_connections(None, {(17, 5000)})) == 0
    assert host.inside(lambda: NETLINK.forget_connections(None, {(17, 514)})) == 1


def test_it_keeps_what_is_led_to_where_the_port_leads_now(small_host: SmallHost) -> None:
    host = small_host.host
    host.run("iptables", "-A", "INPUT", "-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP")
    rule = "OUTPUT -p udp --dport 514 -j DNAT --to 10.10.0.2:515"
    host.run("iptables", "-t", "nat", "-A", *rule.split())
    code = "import socket; s=socket.socket(2,2); s.sendto(b'x',('10.10.0.1',514))"
    host.run("python3", "-c", code)
    ports, place = {(17, 514)}, (17, IPv4Address("10.10.0.2"), 515)
    forget = NETLINK.forget_connections
    assert host.inside(lambda: forget(None, ports, {place})) == 0
    assert host.inside(lambda: forget(None, ports, {(17, IPv4Address("10.10.0.9"), 515)})) == 1
    # Without a translation nobody is led anywhere: a packet that came while a container was down.
    host.run("iptables", "-t", "nat", "-F")
    host.run("python3", "-c", code)
    assert host.inside(lambda: forget(None, ports, {place})) == 1


def test_it_finds_nothing_to_forget_where_nothing_is_tracked(
    namespace: Callable[[], Namespace],
) -> None:
    assert namespace().inside(lambda: NETLINK.forget_connections(IPv4Network("10.0.0.0/8"))) == 0


def test_it_works_inside_a_running_event_loop(small_host: SmallHost) -> None:
    async def ask() -> int:
        return len(NETLINK.links())

    assert small_host.host.inside(lambda: asyncio.run(ask())) == 3


def test_it_leaves_no_file_open(small_host: SmallHost) -> None:
    host, container = small_host.host, small_host.container

    def use() -> None:
        NETLINK.links()
        NETLINK.routes()
        NETLINK.inside([container.pid])
        NETLINK.reaches(container.pid, IPv4Address("10.10.0.1"), 1.0)
        NETLINK.forget_connections(IPv4Network("10.10.0.0/24"))
        NETLINK.link_to(IPv4Address("192.0.2.1"))

    host.inside(use)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        host.inside(use)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
