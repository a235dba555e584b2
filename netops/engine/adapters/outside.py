"""A client outside of this host, for as long as it takes to try its ports.

A network namespace with one end of a veth pair; the other end belongs to the host itself, not to a
bridge. Packets from there go by PREROUTING and FORWARD, or INPUT, as any client's do. The host's
end has no address: the client is reached by a route to it alone, and both ends know the other's
MAC, so that no ARP setting matters (ip-sysctl: arp_ignore, arp_filter). With that route rp_filter
lets its packets pass. When this process dies, the kernel removes namespace, link and route.
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from netops.engine.adapters.connections import Begun, Tracked
from netops.engine.adapters.port_tries import ports_tried
from netops.engine.adapters.threads import in_own_thread, namespace_new
from netops.engine.errors import OperationFailed
from netops.engine.port_answer import PortAnswer, PortProbe

# A name as Docker's own links have: NetworkManager, dhcpcd and networkd leave veth alone.
CLIENT_LINK = "vethdnp"
# For benchmarks (RFC 2544) and link-local (RFC 3927): no client of a published port is there.
_RANGES = (IPv4Network("198.18.0.0/15"), IPv4Network("169.254.0.0/16"))
_TRIES = 8
_FIB_MATCH = 0x2000  # RTM_F_FIB_MATCH: the route itself, not its resolved copy
_PROTO_KERNEL, _SCOPE_LINK = 2, 253  # RTPROT_KERNEL: routing daemons leave it alone.
_NO_ADDRESS = {"attrs": [["AF_INET6", {"attrs": [["IFLA_INET6_ADDR_GEN_MODE", 1]]}]]}
# What the client sends its packets to; only inside its namespace.
_GATEWAY = "192.0.0.8"


def ports_tried_outside(probes: Sequence[PortProbe], timeout_s: float) -> tuple[PortAnswer, ...]:
    """Return how each port answers a client outside of the host.

    Raises OperationFailed when the kernel lets no such client be made.
    """
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        return in_own_thread(lambda: _tried(probes, timeout_s))
    except NetlinkError as error:
        message = f"No client outside of this host could be made: {os.strerror(error.code)}."
        raise OperationFailed(message) from error
    except OSError as error:
        raise OperationFailed(f"No client outside of this host could be made: {error}.") from error


def _tried(probes: Sequence[PortProbe], timeout_s: float) -> tuple[PortAnswer, ...]:
    from pyroute2 import IPRoute

    name = f"{CLIENT_LINK}{os.urandom(3).hex()}"
    # A socket stays in the namespace that it was opened in, wherever its thread goes.
    with IPRoute() as host, Begun() as begun, Tracked() as tracked:
        address = _free_address(host)
        namespace_new()
        with IPRoute() as own:
            try:
                _plug(host, own, name, str(address))
                return ports_tried(probes, timeout_s, begun, tracked)
            finally:
                _unplug(host, name)


def _free_address(host: Any) -> IPv4Address:
    """Return an address that no route of the host leads to but its default route."""
    for network in _RANGES:
        for _ in range(_TRIES):
            number = random.randrange(1, network.num_addresses - 1)  # noqa: S311
            address = network[number]
            if _is_free(host, address):
                return address
    names = ", ".join(str(network) for network in _RANGES)
    raise OperationFailed(f"This host uses all of {names}: no address is left for a client.")


def _is_free(host: Any, address: IPv4Address) -> bool:
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        found = host.route("get", dst=str(address), flags=_FIB_MATCH)
        return all(message["dst_len"] == 0 for message in found)
    except NetlinkError as error:
        # Other errors are those of a route that blackholes or prohibits the address.
        return bool(error.code == errno.ENETUNREACH)


def _plug(host: Any, own: Any, name: str, address: str) -> None:
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        host.link("add", ifname=name, kind="veth", peer={"ifname": "probe", "net_ns_fd": here})
    finally:
        os.close(here)
    (outer,), (inner,) = host.link_lookup(ifname=name), own.link_lookup(ifname="probe")
    for netlink, index in ((host, outer), (own, inner)):
        # No IPv6 address of its own: neither end is to ask for routers, nor be announced.
        with suppress(Exception):
            netlink.link("set", index=index, af_spec=_NO_ADDRESS)
        netlink.link("set", index=index, state="up")
    own.addr("add", index=inner, address=address, prefixlen=32)
    own.route("add", dst=f"{_GATEWAY}/32", oif=inner, scope=_SCOPE_LINK)
    own.route("add", dst="0.0.0.0/0", gateway=_GATEWAY)
    _neighbour(own, inner, _GATEWAY, _mac(host, outer))
    _neighbour(host, outer, address, _mac(own, inner))
    host.route("add", dst=f"{address}/32", oif=outer, scope=_SCOPE_LINK, proto=_PROTO_KERNEL)


def _mac(netlink: Any, index: int) -> str:
    return str(next(iter(netlink.get_links(index))).get_attr("IFLA_ADDRESS"))


def _neighbour(netlink: Any, index: int, address: str, mac: str) -> None:
    netlink.neigh("add", dst=address, lladdr=mac, ifindex=index, state="permanent")


def _unplug(host: Any, name: str) -> None:
    for index in host.link_lookup(ifname=name):
        host.link("del", index=index)
