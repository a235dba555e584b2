"""TCP and UDP ports that programs of this host take packets for (/proc/net/tcp, proc(5))."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

from netops.engine.observed import Listener

_TCP_LISTEN, _UDP_UNCONNECTED = "0A", "07"  # linux net/tcp_states.h
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FILES = (("tcp", "tcp"), ("tcp", "tcp6"), ("udp", "udp"), ("udp", "udp6"))


def listeners() -> tuple[Listener, ...]:
    """Return who listens, in order; an IPv6 socket on every address takes IPv4 packets too.

    UDP sockets with a port of the ephemeral range are somebody's questions, not services.
    """
    found = {one for protocol, name in _FILES for one in _read(protocol, name)}
    return tuple(sorted(found, key=lambda o: (o.protocol, o.l4_port, str(o.address or ""))))


def _read(protocol: str, name: str) -> Iterator[Listener]:
    wanted = _TCP_LISTEN if protocol == "tcp" else _UDP_UNCONNECTED
    first = _first_ephemeral()
    try:
        lines = Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        fields = line.split()
        address_text, _, port_text = fields[1].partition(":")
        port = int(port_text, 16)
        if fields[3] != wanted or (protocol == "udp" and port >= first):
            continue
        every, address = _address(address_text)
        if every or address is not None:
            yield Listener(protocol, address, port)


def _first_ephemeral() -> int:
    try:
        return int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 32768


def _address(text: str) -> tuple[bool, IPv4Address | None]:
    """(on every address, address); (False, None) for one that IPv4 packets never reach."""
    if len(text) == 8:
        packed = struct.pack("=I", int(text, 16))
        address = IPv4Address(socket.inet_ntoa(packed))
        return (True, None) if int(address) == 0 else (False, address)
    return int(text, 16) == 0, None
