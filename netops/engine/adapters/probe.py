"""Packets sent on purpose, to see what the firewall makes of them.

From a namespace that lives for a second on a bridge, as a container does: a veth pair, an address
that nobody has, a route by the bridge. When this process dies, the kernel removes them all.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from ipaddress import IPv4Address, IPv4Interface
from typing import Any

from netops.engine.adapters.connections import connections
from netops.engine.adapters.ping import echo_answered
from netops.engine.adapters.threads import in_own_thread, namespace_new
from netops.engine.errors import OperationFailed
from netops.engine.ports import Translation

_ETH_P_ARP = 0x0806
_ECHO_S, _ARP_S = 1.5, 0.4


def translated(
    bridge: str, inside: IPv4Interface, gateway: IPv4Address, target: IPv4Address
) -> Translation:
    """Ping `target` from a namespace on `bridge` and look up how the packet left in conntrack.

    Raises OperationFailed when somebody on the bridge has the address `inside` already, or the
    kernel refuses.
    """
    answered = in_own_thread(lambda: _ping_from(bridge, inside, gateway, target))
    wanted = (socket.IPPROTO_ICMP, inside.ip, target)
    for one in connections():
        if (one.protocol, one.source, one.destination) == wanted:
            return Translation(one.reply_destination, answered)
    return Translation(None, answered)


def _ping_from(
    bridge: str, inside: IPv4Interface, gateway: IPv4Address, target: IPv4Address
) -> bool:
    from pyroute2 import IPRoute
    from pyroute2.netlink.exceptions import NetlinkError

    name = f"dnp{os.urandom(4).hex()}"
    try:
        # A socket stays in the namespace that it was opened in, wherever its thread goes.
        with IPRoute() as host:
            namespace_new()
            with IPRoute() as own:
                try:
                    _plug(host, own, bridge, name)
                    mac = _up(own)
                    _refuse_taken(inside.ip, mac)
                    _address(own, inside, gateway)
                    return echo_answered(target, _ECHO_S)
                finally:
                    _unplug(host, name)
    except NetlinkError as error:
        raise OperationFailed(f"A probe on {bridge} could not be set up: {error}.") from error


def _plug(host: Any, own: Any, bridge: str, name: str) -> None:
    """A veth pair, its end "probe" in the namespace of this thread, the other on the bridge."""
    found = host.link_lookup(ifname=bridge)
    if not found:
        raise OperationFailed(f"There is no link {bridge}.")
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        peer = {"ifname": "probe", "net_ns_fd": here}
        host.link("add", ifname=name, kind="veth", peer=peer)
    finally:
        os.close(here)
    (index,) = host.link_lookup(ifname=name)
    host.link("set", index=index, master=found[0])
    host.link("set", index=index, state="up")


def _up(own: Any) -> bytes:
    """Set the near end up; returns its MAC."""
    (index,) = own.link_lookup(ifname="probe")
    own.link("set", index=index, state="up")
    message = next(iter(own.get_links(index)))
    return bytes.fromhex(message.get_attr("IFLA_ADDRESS").replace(":", ""))


def _refuse_taken(address: IPv4Address, mac: bytes) -> None:
    """Ask who has the address, without using it (RFC 5227, section 2.1.1)."""
    head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
    question = head + mac + bytes(4) + bytes(6) + address.packed
    frame = b"\xff" * 6 + mac + struct.pack("!H", _ETH_P_ARP) + question
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ARP)) as raw:
        raw.bind(("probe", _ETH_P_ARP))
        deadline, again = time.monotonic() + _ARP_S, 0.0
        while (now := time.monotonic()) < deadline:
            if now >= again:
                raw.send(frame)
                again = now + _ARP_S / 3
            if not select.select([raw], [], [], max(0.0, min(again, deadline) - now))[0]:
                continue
            answer = raw.recv(128)[14:]
            if len(answer) >= 28 and answer[14:18] == address.packed and answer[8:14] != mac:
                raise OperationFailed(f"Somebody on the bridge has {address} already.")


def _address(own: Any, inside: IPv4Interface, gateway: IPv4Address) -> None:
    (index,) = own.link_lookup(ifname="probe")
    own.addr("add", index=index, address=str(inside.ip), prefixlen=inside.network.prefixlen)
    own.route("add", dst="0.0.0.0/0", gateway=str(gateway))


def _unplug(host: Any, name: str) -> None:
    for index in host.link_lookup(ifname=name):
        host.link("del", index=index)
