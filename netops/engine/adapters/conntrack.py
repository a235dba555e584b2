"""Tracked connections that a change made stale are deleted (conntrack(8)).

An entry keeps the translation that its first packet got, for as long as packets come: a client
that never rests is led to the old address for ever.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Collection
from ipaddress import IPv4Address, IPv4Network

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
    PROTO_SOURCE,
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
Place = tuple[int, IPv4Address, int]  # protocol number, address, port
_BATCH, _PASSES = 100, 3


def connections_forget(
    subnet: IPv4Network | None,
    ports: Collection[tuple[int, int]] = (),
    own: Collection[IPv4Network] = (),
    keep: Collection[Place] | None = None,
) -> int:
    """Delete the entries with an end in `subnet`, before or after translation.

    And those that go to one of `ports` (protocol number, port) at an address in `own`, the host's:
    a client that never rests would else keep its way past a port that is published now. Other than
    with TCP an entry counts in both directions, since the container's own packet may have made it.
    Connections through this host to the same port of somebody else stay.

    With `keep`, the places that ports are led to now, those that are led there stay too: without
    its entry an established TCP connection breaks as soon as the server sends first. Then TCP that
    is not translated stays as well, since the host's own reset has ended it if it was stale.

    Returns how many were deleted; 0 where the kernel tracks nothing. Only the entries of the
    calling thread's network namespace are seen. Raises OperationFailed when the kernel refuses.
    """
    wanted = _wanted(subnet, ports, own, keep)
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
    keep: Collection[Place] | None,
) -> Callable[[Entry], bool]:
    inside = [] if subnet is None else [_masked(subnet)]
    here = [_masked(network) for network in own]

    def goes_to_port(entry: Entry, side: int) -> bool:
        target = _ends_of(entry, side).get(TARGET, b"")
        return _port(entry, side, PROTO_TARGET) in ports and _holds(here, target)

    def wanted(entry: Entry) -> bool:
        if inside and any(_holds(inside, end) for end in _ends(entry)):
            return True
        if not ports:
            return False
        tcp = _port(entry, ORIGINAL, PROTO_TARGET)[0] == socket.IPPROTO_TCP
        if goes_to_port(entry, ORIGINAL):
            return keep is None or not _is_right(entry, keep, tcp=tcp)
        return not tcp and goes_to_port(entry, REPLY)

    return wanted


def _is_right(entry: Entry, keep: Collection[Place], *, tcp: bool) -> bool:
    protocol, port = _port(entry, REPLY, PROTO_SOURCE)
    source = _ends_of(entry, REPLY).get(SOURCE, b"")
    first = (_ends_of(entry, ORIGINAL).get(TARGET), _port(entry, ORIGINAL, PROTO_TARGET)[1])
    if tcp and (source, port) == first:
        return True
    return len(source) == 4 and (protocol, IPv4Address(source), port) in keep


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


def _port(entry: Entry, side: int, end: int) -> tuple[int, int]:
    """Return protocol and source or destination port of one direction."""
    l4 = attributes(attributes(entry.get(side, b"")).get(PROTO, b""))
    numbers = (l4.get(PROTO_NUMBER, b""), l4.get(end, b""))
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
