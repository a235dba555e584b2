"""Tracked connections that a change made stale are deleted (conntrack(8)).

An entry keeps the translation that its first packet got, for as long as packets come: a client
that never rests is led to the old address for ever.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Collection
from ipaddress import IPv4Network

from netops.engine.adapters.nfnetlink import (
    ABSENT,
    ACK,
    DELETE,
    ERROR,
    ID,
    IP,
    NESTED,
    ORIGINAL,
    PROTO,
    PROTO_NUMBER,
    PROTO_TARGET,
    REPLY,
    SOURCE,
    TARGET,
    ZONE,
    attributes,
    dump,
    error_raise,
    message,
    messages,
    packed,
    table_open,
)
from netops.engine.errors import OperationFailed

Entry = dict[int, bytes]
_BATCH, _PASSES = 100, 3


def connections_forget(
    subnet: IPv4Network | None,
    ports: Collection[tuple[int, int]] = (),
    own: Collection[IPv4Network] = (),
) -> int:
    """Delete the entries with an end in `subnet`, before or after translation.

    And those that go to one of `ports` (protocol number, port) at an address in `own`, the host's:
    a client that never rests would else keep its way past a port that is published now. Other than
    with TCP an entry counts in both directions, since the container's own packet may have made it.
    Connections through this host to the same port of somebody else stay.

    Returns how many were deleted; 0 where the kernel tracks nothing. Only the entries of the
    calling thread's network namespace are seen. Raises OperationFailed when the kernel refuses.
    """
    wanted = _wanted(subnet, ports, own)
    try:
        table = table_open()
    except OSError:
        return 0
    deleted = 0
    with table:
        try:
            # A dump can miss what changes meanwhile: look again until there is nothing more.
            for _ in range(_PASSES):
                found = [entry for entry in dump(table) if wanted(entry)]
                if not found:
                    break
                for start in range(0, len(found), _BATCH):
                    deleted += _delete(table, found[start : start + _BATCH])
        except OSError as error:
            if error.errno in ABSENT:
                return deleted
            raise OperationFailed(f"conntrack: {error.strerror or error}.") from error
    return deleted


def _wanted(
    subnet: IPv4Network | None,
    ports: Collection[tuple[int, int]],
    own: Collection[IPv4Network],
) -> Callable[[Entry], bool]:
    inside = [] if subnet is None else [_masked(subnet)]
    here = [_masked(network) for network in own]

    def wanted(entry: Entry) -> bool:
        if inside and any(_holds(inside, end) for end in _ends(entry)):
            return True
        return bool(ports) and any(
            _port(entry, side) in ports and _holds(here, _ends_of(entry, side).get(TARGET, b""))
            for side in (ORIGINAL, REPLY)
            if side == ORIGINAL or _port(entry, side)[0] != socket.IPPROTO_TCP
        )

    return wanted


def _masked(network: IPv4Network) -> tuple[int, int]:
    return int(network.network_address), int(network.netmask)


def _holds(networks: Collection[tuple[int, int]], address: bytes) -> bool:
    number = int.from_bytes(address, "big")
    return bool(address) and any(number & mask == first for first, mask in networks)


def _ends_of(entry: Entry, side: int) -> Entry:
    return attributes(attributes(entry.get(side, b"")).get(IP, b""))


def _ends(entry: Entry) -> list[bytes]:
    ends = [_ends_of(entry, side) for side in (ORIGINAL, REPLY)]
    return [end[name] for end in ends for name in (SOURCE, TARGET) if name in end]


def _port(entry: Entry, side: int) -> tuple[int, int]:
    """Return protocol and destination port of one direction."""
    l4 = attributes(attributes(entry.get(side, b"")).get(PROTO, b""))
    numbers = (l4.get(PROTO_NUMBER, b""), l4.get(PROTO_TARGET, b""))
    return int.from_bytes(numbers[0], "big"), int.from_bytes(numbers[1], "big")


def _delete(table: socket.socket, entries: list[Entry]) -> int:
    """Delete entries, all in one message; return how many still were there."""
    batch = b"".join(
        message(DELETE, ACK, number, _keys(entry)) for number, entry in enumerate(entries)
    )
    table.send(batch)
    answered, deleted = 0, 0
    while answered < len(entries):
        for kind, body in messages(table.recv(1 << 18)):
            if kind != ERROR:
                continue
            answered += 1
            code = -int(struct.unpack_from("=i", body)[0])
            if code not in (0, errno.ENOENT):
                error_raise(body)
            deleted += code == 0
    return deleted


def _keys(entry: Entry) -> bytes:
    """Return the attributes that name one entry: tuple, zone, and id in case another took its
    place."""
    nested = {ORIGINAL: NESTED}
    return b"".join(
        packed(kind | nested.get(kind, 0), entry[kind])
        for kind in (ORIGINAL, ID, ZONE)
        if kind in entry
    )
