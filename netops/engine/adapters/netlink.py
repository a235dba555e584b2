"""Links, addresses and routes over rtnetlink, with pyroute2's IPRoute."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any, TypeVar

from netops.engine.adapters import probe
from netops.engine.adapters.connections import Begun, Tracked
from netops.engine.adapters.conntrack import connections_forget
from netops.engine.adapters.outside import CLIENT_LINK, ports_tried_outside
from netops.engine.adapters.ping import echo_answered
from netops.engine.adapters.port_tries import ports_tried
from netops.engine.adapters.rtnl import read_address, read_links, read_routes, write_route
from netops.engine.adapters.threads import (
    in_namespace,
    in_own_thread,
    namespace_enter,
    namespace_id,
    off_loop,
)
from netops.engine.errors import OperationFailed
from netops.engine.observed import Address, Link, Route
from netops.engine.port_answer import PortAnswer, PortProbe
from netops.engine.ports import Inside, Translation

T = TypeVar("T")
_LOOPBACK = IPv4Network("127.0.0.0/8")


class LinuxNetlink:
    """The host's own network namespace, as `ports.Netlink` asks for it.

    Every call opens a socket and closes it: no call waits for another, and none leaves anything
    behind in its thread. Raises OperationFailed when the kernel refuses.
    """

    def links(self) -> tuple[Link, ...]:
        """Return all links, by index, but not that of a client of our own outside."""
        return tuple(link for link in self._ask(_links) if not link.name.startswith(CLIENT_LINK))

    def addresses(self) -> tuple[Address, ...]:
        """Return all IPv4 addresses, in the kernel's order."""
        return self._ask(_addresses)

    def routes(self) -> tuple[Route, ...]:
        """Return the unicast IPv4 routes of all tables (ip route show table all type unicast).

        The one to a client of our own is left out: it would be a change in the host's history.
        """
        return tuple(r for r in self._ask(_routes) if not r.link.startswith(CLIENT_LINK))

    def link_to(self, target: IPv4Address) -> str:
        """Return the link that a packet to `target` leaves by, "" when there is no route."""

        def ask(route: Any) -> str:
            for message in route.route("get", dst=str(target)):
                return _names(route).get(message.get_attr("RTA_OIF"), "")
            return ""

        try:
            return self._ask(ask)
        except OperationFailed:
            return ""

    def link_set(self, name: str, *, up: bool) -> None:
        """Set a link up or down (ip link set dev NAME up|down)."""

        def change(route: Any) -> None:
            route.link("set", index=_index(route, name), state="up" if up else "down")

        self._ask(change)

    def address_add(self, link: str, address: IPv4Interface) -> None:
        """Add an address with its broadcast address; one that is there already is fine."""

        def change(route: Any) -> None:
            route.addr("add", **_message(route, link, address), **_broadcast(address.network))

        self._ask(change, ignore=errno.EEXIST)

    def address_remove(self, link: str, address: IPv4Interface) -> None:
        """Remove an address; one that is not there is fine."""

        def change(route: Any) -> None:
            route.addr("del", **_message(route, link, address))

        self._ask(change, ignore=errno.EADDRNOTAVAIL)

    def route_add(self, route: Route) -> None:
        """Add a route (ip route add ... table T proto P); one that is there already is fine."""

        def change(netlink: Any) -> None:
            netlink.route("add", **write_route(route, _index(netlink, route.link)))

        self._ask(change, ignore=errno.EEXIST)

    def inside(self, pids: Sequence[int]) -> dict[int, Inside]:
        """Return the links and addresses in each process's network namespace, without loopback.

        Processes that are gone, or share the host's namespace, have no entry. All are read in one
        thread, which moves from namespace to namespace and then ends.
        """
        own = namespace_id("thread-self")
        there = [pid for pid in pids if namespace_id(pid) not in ("", own)]
        return in_own_thread(lambda: dict(_each_inside(there))) if there else {}

    def addresses_in(self, pid: int) -> tuple[IPv4Interface, ...]:
        """Return the addresses in the network namespace of a process, without loopback."""
        found = self.inside([pid]).get(pid)
        return tuple(a.interface for a in found.addresses) if found else ()

    def forget_connections(
        self,
        subnet: IPv4Network | None,
        ports: Collection[tuple[int, int]] = (),
        keep: Collection[tuple[int, IPv4Address, int]] | None = None,
    ) -> int:
        """Delete the conntrack entries of `subnet` and to `ports`; return how many there were."""
        own = [IPv4Network(a.interface.ip) for a in self.addresses()] if ports else []
        return connections_forget(subnet, ports, [*own, _LOOPBACK], keep)

    def reaches(self, pid: int, target: IPv4Address, timeout_s: float) -> bool:
        """Return whether an ICMP echo from that process's network namespace is answered."""
        try:
            return in_namespace(pid, lambda: echo_answered(target, timeout_s))
        except OSError:
            return False

    def try_ports(
        self, probes: Sequence[PortProbe], timeout_s: float, *, outside: bool
    ) -> tuple[PortAnswer, ...]:
        """Try all ports at once, from this host or from a client outside of it."""
        if outside:
            return ports_tried_outside(probes, timeout_s)
        with Begun() as begun, Tracked() as tracked:
            return ports_tried(probes, timeout_s, begun, tracked)

    def translated(
        self, bridge: str, inside: IPv4Interface, gateway: IPv4Address, target: IPv4Address
    ) -> Translation:
        """Send packets to `target` from a short-lived namespace on `bridge`."""
        return probe.translated(bridge, inside, gateway, target)

    def _ask(self, work: Callable[[Any], T], ignore: int = 0) -> T:
        def run() -> T:
            with _iproute() as route:
                return work(route)

        from pyroute2.netlink.exceptions import NetlinkError

        try:
            return off_loop(run)
        except NetlinkError as error:
            if error.code == ignore:
                return None  # type: ignore[return-value]
            raise OperationFailed(f"The kernel refused: {os.strerror(error.code)}.") from error


@contextmanager
def _iproute() -> Iterator[Any]:
    """An IPRoute in the network namespace of the calling thread, closed afterwards."""
    # Imported when first used: it costs 25 MB, and the site imports the engine too.
    from pyroute2 import IPRoute

    route = IPRoute()
    try:
        yield route
    finally:
        route.close()


def _index(route: Any, name: str) -> int:
    found = route.link_lookup(ifname=name)
    if not found:
        raise OperationFailed(f"There is no link {name}.", "Look with `ip link`.")
    return int(found[0])


def _message(route: Any, link: str, address: IPv4Interface) -> dict[str, Any]:
    """The fields of RTM_NEWADDR and RTM_DELADDR."""
    length = address.network.prefixlen
    return {"index": _index(route, link), "address": str(address.ip), "prefixlen": length}


def _broadcast(network: IPv4Network) -> dict[str, str]:
    # As dockerd and `ip addr add ... brd +` set it; /31 and /32 have none (RFC 3021).
    return {} if network.prefixlen > 30 else {"broadcast": str(network.broadcast_address)}


def _links(route: Any) -> tuple[Link, ...]:
    return read_links(list(route.get_links()))


def _names(route: Any) -> dict[int, str]:
    return {m["index"]: m.get_attr("IFLA_IFNAME") or "" for m in route.get_links()}


def _addresses(route: Any, names: dict[int, str] | None = None) -> tuple[Address, ...]:
    """The addresses of the links in `names` (index: name), by default of all."""
    names = _names(route) if names is None else names
    found = (read_address(m, names) for m in route.get_addr(family=socket.AF_INET))
    return tuple(a for a in found if a is not None)


def _routes(route: Any) -> tuple[Route, ...]:
    messages = list(route.get_routes(family=socket.AF_INET))
    return read_routes(messages, _names(route))


def _each_inside(pids: Sequence[int]) -> Iterator[tuple[int, Inside]]:
    for pid in pids:
        try:
            namespace_enter(pid)
        except OSError:
            continue  # It ended since it was listed.
        with _iproute() as route:
            links = tuple(link for link in _links(route) if link.name != "lo")
            addresses = _addresses(route, {link.index: link.name for link in links})
        yield pid, Inside(links, addresses)
