"""Single connections that the kernel tracks: whom a packet was led to (conntrack(8))."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path

from attrs import frozen

from netops.engine.adapters.nfnetlink import (
    ABSENT,
    FAMILY,
    GET,
    IP,
    NESTED,
    NETLINK_NETFILTER,
    NEW,
    NEW_GROUP,
    ORIGINAL,
    PROTO,
    PROTO_NUMBER,
    PROTO_SOURCE,
    PROTO_TARGET,
    REPLY,
    SOURCE,
    TARGET,
    attributes,
    dump,
    message,
    messages,
    packed,
    table_open,
)
from netops.engine.errors import OperationFailed

# Of the network namespace of the thread that reads it; "0" turns events off.
_EVENTS = Path("/proc/sys/net/netfilter/nf_conntrack_events")


@frozen
class Connection:
    """An entry: whom the first packet came from and went to, and whom answers come from and go to.

    `protocol` is the number of RFC 790 (1 ICMP, 6 TCP, 17 UDP); ports are 0 where it has none.
    """

    protocol: int
    source: IPv4Address
    source_port: int
    destination: IPv4Address
    destination_port: int
    reply_source: IPv4Address
    reply_source_port: int
    reply_destination: IPv4Address


def connections() -> list[Connection]:
    """Return the IPv4 entries of the calling thread's network namespace; [] where none are kept.

    Raises OperationFailed when the kernel refuses.
    """
    try:
        with table_open() as table:
            return [one for entry in dump(table) if (one := _connection(entry))]
    except OSError as error:
        if error.errno in ABSENT:
            return []
        raise OperationFailed(f"conntrack: {error.strerror or error}.") from error


@frozen
class Packet:
    """A first packet as its sender made it; `protocol` is the number of RFC 790."""

    protocol: int
    source: IPv4Address
    source_port: int
    destination: IPv4Address
    destination_port: int


class Tracked:
    """The table of the namespace that this was opened in, asked for single entries by their key.

    The kernel looks a key up in a hash table, however many entries there are. It lists an entry
    only once a packet of it has passed the whole way (nf_conntrack_confirm): one that was dropped
    in FORWARD has none.
    """

    def __init__(self) -> None:
        self._table: socket.socket | None = None

    def __enter__(self) -> Tracked:
        with suppress(OSError):
            self._table = table_open()
        return self

    def __exit__(self, *_: object) -> None:
        if self._table is not None:
            self._table.close()

    def find(self, first: Packet) -> Connection | None:
        """Return the entry that a packet began, None where there is none."""
        if self._table is None:
            return None
        ends = packed(SOURCE, first.source.packed) + packed(TARGET, first.destination.packed)
        l4 = packed(PROTO_NUMBER, bytes([first.protocol]))
        l4 += packed(PROTO_SOURCE, first.source_port.to_bytes(2, "big"))
        l4 += packed(PROTO_TARGET, first.destination_port.to_bytes(2, "big"))
        key = packed(IP | NESTED, ends) + packed(PROTO | NESTED, l4)
        try:
            self._table.send(message(GET, 0, 1, packed(ORIGINAL | NESTED, key)))
            for kind, body in messages(self._table.recv(1 << 16)):
                if kind == NEW:
                    return _connection(attributes(body[len(FAMILY) :]))
        except OSError:
            pass  # No answer is no trace of the packet.
        return None


class Begun:
    """The IPv4 connections that begin while it is open, also those that the kernel forgets at once:
    of one that is only answered with a reset no entry stays (nf_conntrack_proto_tcp.c).

    Without net.netfilter.nf_conntrack_events the kernel reports none. `complete` is False where
    some may be missing.
    """

    def __init__(self) -> None:
        self._events: socket.socket | None = None
        self.complete = False

    def __enter__(self) -> Begun:
        with suppress(OSError):
            self._events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
            # First: where the group is refused there is nothing to read, and nobody waits for it.
            self._events.setblocking(False)
            self._events.bind((0, NEW_GROUP))
            self.complete = _EVENTS.read_text().strip() != "0"
        return self

    def __exit__(self, *_: object) -> None:
        if self._events is not None:
            self._events.close()

    def connections(self) -> list[Connection]:
        """Return those that began since the last call."""
        found: list[Connection] = []
        # ENOBUFS: more than the socket holds; what there is of them is read all the same.
        while self._events is not None:
            try:
                data = self._events.recv(1 << 18)
            except BlockingIOError:
                break
            except OSError as error:
                self.complete = False
                if error.errno != errno.ENOBUFS:
                    break
                continue
            bodies = [body for kind, body in messages(data) if kind == NEW and body]
            entries = [attributes(b[len(FAMILY) :]) for b in bodies if b[0] == socket.AF_INET]
            found += [one for entry in entries if (one := _connection(entry))]
        return found


def _connection(entry: dict[int, bytes]) -> Connection | None:
    first, answer = (attributes(entry.get(side, b"")) for side in (ORIGINAL, REPLY))
    ends, back = (attributes(side.get(IP, b"")) for side in (first, answer))
    l4, l4_back = (attributes(side.get(PROTO, b"")) for side in (first, answer))
    if not {SOURCE, TARGET} <= ends.keys() or not {SOURCE, TARGET} <= back.keys():
        return None
    return Connection(
        protocol=int.from_bytes(l4.get(PROTO_NUMBER, b""), "big"),
        source=IPv4Address(ends[SOURCE]),
        source_port=int.from_bytes(l4.get(PROTO_SOURCE, b""), "big"),
        destination=IPv4Address(ends[TARGET]),
        destination_port=int.from_bytes(l4.get(PROTO_TARGET, b""), "big"),
        reply_source=IPv4Address(back[SOURCE]),
        reply_source_port=int.from_bytes(l4_back.get(PROTO_SOURCE, b""), "big"),
        reply_destination=IPv4Address(back[TARGET]),
    )
