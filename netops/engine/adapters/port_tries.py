"""Published ports, tried all at the same time with a connection or a datagram each."""

from __future__ import annotations

import errno
import selectors
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from ipaddress import IPv4Address

from attrs import define

from netops.engine.adapters.connections import Begun, Packet, Tracked
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

Place = tuple[IPv4Address, int]

_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
_NUMBERS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}
_PAYLOAD = b"dockernet"
_AT_ONCE = 256  # Sockets: a process may have 1024 files by default.
_UNREACHABLE = "unreachable"
# With a reset instead of a FIN nothing is left to be answered when the probe's own end is gone.
_RESET = struct.pack("ii", 1, 0)  # struct linger


@define
class _Try:
    """One socket. `first` is the packet that it sent, `found` how it was answered ("" so far)."""

    probe: PortProbe
    client: socket.socket
    first: Packet | None = None
    found: str = ""


def ports_tried(
    probes: Sequence[PortProbe], timeout_s: float, begun: Begun, tracked: Tracked
) -> tuple[PortAnswer, ...]:
    """Return how each port answers the network namespace of the calling thread.

    `begun` and `tracked` look at the namespace whose translation decides, which may be another.
    """
    answers: list[PortAnswer] = []
    for start in range(0, len(probes), _AT_ONCE):
        answers += _tried(probes[start : start + _AT_ONCE], timeout_s, begun, tracked)
    return tuple(answers)


def _tried(
    probes: Sequence[PortProbe], timeout_s: float, begun: Begun, tracked: Tracked
) -> list[PortAnswer]:
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        tries = [_begin(probe, selector, stack) for probe in probes]
        own = {one.first for one in tries}
        gone: dict[Packet, Place] = {}
        end, again = time.monotonic() + timeout_s, time.monotonic() + timeout_s / 2
        while selector.get_map() and (now := time.monotonic()) < end:
            if now >= again:
                # A datagram may be lost where a container's bridge port is still learning.
                _send_again(tries)
                again = end
            for key, _ in selector.select(min(again, end) - now):
                _read(key.data)
                selector.unregister(key.fileobj)
            gone.update(_begun(begun, own))
        return [_answer(one, begun, gone, tracked) for one in tries]


def _begin(probe: PortProbe, selector: selectors.BaseSelector, stack: ExitStack) -> _Try:
    client = stack.enter_context(socket.socket(socket.AF_INET, _KINDS[probe.protocol]))
    one = _Try(probe, client)
    client.setblocking(False)
    if probe.protocol == "tcp":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    code = client.connect_ex((str(probe.address), probe.l4_port))
    source = client.getsockname()
    one.first = Packet(
        _NUMBERS[probe.protocol], IPv4Address(source[0]), source[1], probe.address, probe.l4_port
    )
    if code not in (0, errno.EINPROGRESS):
        one.found = _word(code)
        return one
    if probe.protocol == "udp":
        with suppress(OSError):
            client.send(_PAYLOAD)
    ready = selectors.EVENT_WRITE if probe.protocol == "tcp" else selectors.EVENT_READ
    selector.register(client, ready, one)
    return one


def _send_again(tries: Sequence[_Try]) -> None:
    for one in tries:
        if one.probe.protocol == "udp" and not one.found:
            with suppress(OSError):
                one.client.send(_PAYLOAD)


def _read(one: _Try) -> None:
    if one.probe.protocol == "tcp":
        code = one.client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        one.found = _word(code) if code else OPEN
        return
    try:
        one.client.recv(1)
    except OSError as error:
        one.found = _word(error.errno or 0)
    else:
        one.found = ANSWERED


def _word(code: int) -> str:
    """Return how an error of a socket reads; ICMP errors other than “port unreachable” are one."""
    return REFUSED if code == errno.ECONNREFUSED else _UNREACHABLE


def _begun(begun: Begun, own: set[Packet | None]) -> Iterator[tuple[Packet, Place]]:
    for one in begun.connections():
        first = Packet(
            one.protocol, one.source, one.source_port, one.destination, one.destination_port
        )
        if first in own:
            yield first, (one.reply_source, one.reply_source_port)


def _answer(one: _Try, begun: Begun, gone: dict[Packet, Place], tracked: Tracked) -> PortAnswer:
    first = one.first
    assert first is not None
    entry = tracked.find(first)
    place = (entry.reply_source, entry.reply_source_port) if entry else gone.get(first)
    led = place is not None and place != (one.probe.address, one.probe.l4_port)
    if one.found in (OPEN, ANSWERED):
        return PortAnswer(one.found, place)
    if one.found == REFUSED:
        # Where the kernel may have kept back that a connection began, its absence proves nothing.
        unsure = place is None and one.probe.protocol == "tcp" and not begun.complete
        return PortAnswer(REFUSED if led or unsure else REJECTED, place)
    if led:
        return PortAnswer(LED, place)
    return PortAnswer(REJECTED if one.found else SILENT, place)
