"""An ICMP echo (RFC 792) from the network namespace of the calling thread."""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from ipaddress import IPv4Address

_ECHO_REPLY, _ECHO = 0, 8
_AGAIN_S = 0.2


def checksum(data: bytes) -> int:
    """Return the Internet checksum of `data` (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo_answered(target: IPv4Address, timeout_s: float) -> bool:
    """Return whether `target` answers an echo within `timeout_s` seconds.

    Sends one every 0.2 s, since the first may fall into the time in which a new bridge port still
    learns. Raises OSError when there can be no raw socket (CAP_NET_RAW, raw(7)).
    """
    ident = int.from_bytes(os.urandom(2), "big")
    deadline, sequence, again = time.monotonic() + timeout_s, 0, 0.0
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.setblocking(False)
        while (now := time.monotonic()) < deadline:
            if now >= again:
                sequence, again = sequence + 1, now + _AGAIN_S
                _send(raw, target, ident, sequence)
            wait = max(0.0, min(again, deadline) - time.monotonic())
            if select.select([raw], [], [], wait)[0] and _is_answer(raw, target, ident):
                return True
    return False


def _send(raw: socket.socket, target: IPv4Address, ident: int, sequence: int) -> None:
    head = struct.pack("!BBHHH", _ECHO, 0, 0, ident, sequence & 0xFFFF)
    body = b"dockernet"
    packet = struct.pack("!BBHHH", _ECHO, 0, checksum(head + body), ident, sequence & 0xFFFF) + body
    try:
        raw.sendto(packet, (str(target), 0))
    except OSError:
        return  # No route yet, or the link is still down: the next one may go through.


def _is_answer(raw: socket.socket, target: IPv4Address, ident: int) -> bool:
    try:
        packet, (source, _) = raw.recvfrom(2048)
    except OSError:
        return False
    icmp = packet[(packet[0] & 0x0F) * 4 :]
    if len(icmp) < 8 or source != str(target):
        return False
    kind, _, _, answered, _ = struct.unpack("!BBHHH", icmp[:8])
    return bool(kind == _ECHO_REPLY and answered == ident)
