"""Connections that the kernel tracks for NAT: deleting those of one subnet (conntrack(8)).

Speaks nfnetlink itself (linux/netfilter/nfnetlink_conntrack.h): pyroute2 decodes every attribute
of every entry, which took 12 s for 20 000 entries where this takes a fraction of one.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Collection, Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network

from attrs import frozen

from netops.engine.errors import OperationFailed

_NETLINK_NETFILTER = 12
# NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, _GET, _DELETE
_NEW, _GET, _DELETE = 0x100, 0x101, 0x102
_NEW_GROUP = 1  # 1 << (NFNLGRP_CONNTRACK_NEW - 1)
_ERROR, _DONE = 2, 3  # NLMSG_ERROR, NLMSG_DONE
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ORIGINAL, _REPLY, _ID, _ZONE = 1, 2, 12, 18  # CTA_*
_IP = _SOURCE = 1  # CTA_TUPLE_IP, and inside of it CTA_IP_V4_SRC
_TARGET = 2  # CTA_IP_V4_DST
_PROTO = 2  # CTA_TUPLE_PROTO, and inside of it:
_PROTO_NUMBER, _PROTO_SOURCE, _PROTO_TARGET = 1, 2, 3  # CTA_PROTO_NUM, _SRC_PORT, _DST_PORT
_HEAD = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_FAMILY = struct.pack("!BBH", socket.AF_INET, 0, 0)  # nfgenmsg
_ATTRIBUTE = struct.Struct("=HH")
_ABSENT = (errno.EPROTONOSUPPORT, errno.EINVAL, errno.EOPNOTSUPP)
_BATCH, _PASSES, _WAIT_S = 100, 3, 10.0


def connections_forget(subnet: IPv4Network, ports: Collection[tuple[int, int]] = ()) -> int:
    """Delete the entries with an end in `subnet`, before or after translation.

    And those that go to one of `ports` (protocol number, port): a client that never rests would
    else keep its way past a port that is published now.

    Returns how many were deleted; 0 where the kernel tracks nothing. Only the entries of the
    calling thread's network namespace are seen. Raises OperationFailed when the kernel refuses.
    """
    try:
        table = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    except OSError:
        return 0
    deleted = 0
    with table:
        table.settimeout(_WAIT_S)
        table.bind((0, 0))
        try:
            # A dump can miss what changes meanwhile: look again until there is nothing more.
            for _ in range(_PASSES):
                found = [e for e in _dump(table) if _touches(e, subnet) or _goes_to(e, ports)]
                if not found:
                    break
                for start in range(0, len(found), _BATCH):
                    deleted += _delete(table, found[start : start + _BATCH])
        except OSError as error:
            if error.errno in _ABSENT:
                return deleted
            raise OperationFailed(f"conntrack: {error.strerror or error}.") from error
    return deleted


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
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as table:
            table.settimeout(_WAIT_S)
            table.bind((0, 0))
            return [one for entry in _dump(table) if (one := _connection(entry))]
    except OSError as error:
        if error.errno in _ABSENT:
            return []
        raise OperationFailed(f"conntrack: {error.strerror or error}.") from error


class Begun:
    """The IPv4 connections that begin while it is open, also those that the kernel forgets at once:
    of one that is only answered with a reset no entry stays (nf_conntrack_proto_tcp.c).

    Without net.netfilter.nf_conntrack_events the kernel tells none.
    """

    def __init__(self) -> None:
        self._events: socket.socket | None = None

    def __enter__(self) -> Begun:
        with suppress(OSError):
            self._events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
            # First: where the group is refused there is nothing to read, and nobody waits for it.
            self._events.setblocking(False)
            self._events.bind((0, _NEW_GROUP))
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
                if error.errno != errno.ENOBUFS:
                    break
                continue
            bodies = [body for kind, body in _messages(data) if kind == _NEW and body]
            entries = [_attributes(b[len(_FAMILY) :]) for b in bodies if b[0] == socket.AF_INET]
            found += [one for entry in entries if (one := _connection(entry))]
        return found


def _connection(entry: dict[int, bytes]) -> Connection | None:
    first, answer = (_attributes(entry.get(side, b"")) for side in (_ORIGINAL, _REPLY))
    ends, back = (_attributes(side.get(_IP, b"")) for side in (first, answer))
    l4, l4_back = (_attributes(side.get(_PROTO, b"")) for side in (first, answer))
    if not {_SOURCE, _TARGET} <= ends.keys() or not {_SOURCE, _TARGET} <= back.keys():
        return None
    return Connection(
        protocol=int.from_bytes(l4.get(_PROTO_NUMBER, b""), "big"),
        source=IPv4Address(ends[_SOURCE]),
        source_port=int.from_bytes(l4.get(_PROTO_SOURCE, b""), "big"),
        destination=IPv4Address(ends[_TARGET]),
        destination_port=int.from_bytes(l4.get(_PROTO_TARGET, b""), "big"),
        reply_source=IPv4Address(back[_SOURCE]),
        reply_source_port=int.from_bytes(l4_back.get(_PROTO_SOURCE, b""), "big"),
        reply_destination=IPv4Address(back[_TARGET]),
    )


def _dump(table: socket.socket) -> Iterator[dict[int, bytes]]:
    """The attributes of every IPv4 entry, by type."""
    table.send(_message(_GET, _DUMP, 1, b""))
    while True:
        for kind, body in _messages(table.recv(1 << 18)):
            if kind == _DONE:
                return
            if kind == _ERROR:
                _raise(body)
            yield _attributes(body[len(_FAMILY) :])


def _delete(table: socket.socket, entries: list[dict[int, bytes]]) -> int:
    """Delete entries, all in one message; return how many still were there."""
    batch = b"".join(
        _message(_DELETE, _ACK, number, _keys(entry)) for number, entry in enumerate(entries)
    )
    table.send(batch)
    answered, deleted = 0, 0
    while answered < len(entries):
        for kind, body in _messages(table.recv(1 << 18)):
            if kind != _ERROR:
                continue
            answered += 1
            code = -int(struct.unpack_from("=i", body)[0])
            if code not in (0, errno.ENOENT):
                _raise(body)
            deleted += code == 0
    return deleted


def _keys(entry: dict[int, bytes]) -> bytes:
    """What names one entry: its tuple and zone, and its id, in case another took its place."""
    nested = {_ORIGINAL: 0x8000}  # NLA_F_NESTED
    return b"".join(
        _packed(kind | nested.get(kind, 0), entry[kind])
        for kind in (_ORIGINAL, _ID, _ZONE)
        if kind in entry
    )


def _touches(entry: dict[int, bytes], subnet: IPv4Network) -> bool:
    first, mask = int(subnet.network_address), int(subnet.netmask)
    for name in (_ORIGINAL, _REPLY):
        ends = _attributes(_attributes(entry.get(name, b"")).get(_IP, b""))
        for side in (_SOURCE, _TARGET):
            if side in ends and int.from_bytes(ends[side], "big") & mask == first:
                return True
    return False


def _goes_to(entry: dict[int, bytes], ports: Collection[tuple[int, int]]) -> bool:
    if not ports:
        return False
    l4 = _attributes(_attributes(entry.get(_ORIGINAL, b"")).get(_PROTO, b""))
    numbers = (l4.get(_PROTO_NUMBER, b""), l4.get(_PROTO_TARGET, b""))
    return tuple(int.from_bytes(number, "big") for number in numbers) in ports


def _message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    length = _HEAD.size + len(_FAMILY) + len(body)
    return _HEAD.pack(length, kind, flags | _REQUEST, sequence, 0) + _FAMILY + body


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + _HEAD.size <= len(data):
        length, kind = _HEAD.unpack_from(data, position)[:2]
        yield kind, data[position + _HEAD.size : position + length]
        position += (length + 3) & ~3


def _packed(kind: int, value: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def _attributes(data: bytes) -> dict[int, bytes]:
    """The attributes in `data` by type, without the flags that stand in a type's upper bits."""
    found, position = {}, 0
    while position + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, position)
        if length < _ATTRIBUTE.size:
            break
        found[kind & 0x3FFF] = data[position + _ATTRIBUTE.size : position + length]
        position += (length + 3) & ~3
    return found


def _raise(body: bytes) -> None:
    code = -int(struct.unpack_from("=i", body)[0])
    raise OSError(code, os.strerror(code))
