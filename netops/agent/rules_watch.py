"""Hears when somebody writes firewall rules.

The kernel tells of every change in nftables, also of those by iptables-nft. Of the legacy tables it
tells nothing: there the number and the layout of the rules are asked for every second, one system
call a table, and only for tables that are there (asking for another one would make it appear).
"""

from __future__ import annotations

import ctypes
import errno
import socket
from collections.abc import Sequence
from pathlib import Path

POLL_S = 1.0
_NETLINK_NETFILTER = 12
_NFTABLES = 1 << 6  # NFNLGRP_NFTABLES (7), linux/netfilter/nfnetlink.h
_BUFFER = 256 * 1024
_NAMES = Path("/proc/thread-self/net/ip_tables_names")
_WATCHED = ("nat", "filter")
# linux/netfilter_ipv4/ip_tables.h: IPT_SO_GET_INFO and the size of struct ipt_getinfo.
_GET_INFO, _INFO_SIZE = 64, 84


class RulesWatch:
    """`sockets` are to be waited for, no longer than `poll_s` seconds where that is not None."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = _nftables_open()
        self._legacy = _legacy_open()
        self._layout = self._legacy_layout()

    @property
    def poll_s(self) -> float | None:
        """How long to wait at most before the legacy tables are asked; None without any."""
        return POLL_S if self._layout else None

    def written(self, ready: Sequence[socket.socket]) -> bool:
        """True if rules were written since the last call; `ready` are sockets with something in."""
        heard = False
        for one in self.sockets:
            if one in ready:
                _drain(one)
                heard = True
        layout = self._legacy_layout()
        changed, self._layout = layout != self._layout, layout
        return heard or changed

    def _legacy_layout(self) -> dict[str, bytes]:
        if self._legacy is None:
            return {}
        try:
            there = _NAMES.read_text().split()
        except OSError:
            return {}
        return {name: _info(self._legacy, name) for name in _WATCHED if name in there}


def _nftables_open() -> list[socket.socket]:
    """One socket, or none where the kernel has no nftables."""
    try:
        one = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _NETLINK_NETFILTER
        )
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        one.bind((0, _NFTABLES))
    except OSError:
        return []
    return [one]


def _drain(one: socket.socket) -> None:
    """Read all that waits; what exactly was written does not matter (nor what overflowed)."""
    while True:
        try:
            one.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise


def _legacy_open() -> socket.socket | None:
    try:
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    except OSError:
        return None


def _info(one: socket.socket, table: str) -> bytes:
    """Hooks, number and size of a table's rules; Python's getsockopt takes no input."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(table.encode(), _INFO_SIZE)
    size = ctypes.c_uint32(_INFO_SIZE)
    got = libc.getsockopt(one.fileno(), socket.IPPROTO_IP, _GET_INFO, buffer, ctypes.byref(size))
    return buffer.raw if got == 0 else b""
