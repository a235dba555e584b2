"""Small facts of the host from /proc and /etc."""

from __future__ import annotations

import os
import socket
from ipaddress import IPv4Address
from pathlib import Path

from netops.engine.adapters.listeners import listeners
from netops.engine.ports import HostFacts

_RESOLV = "/etc/resolv.conf"
_RESOLVED = "/run/systemd/resolve/resolv.conf"
# systemd-resolved's own listener: the servers that it asks stand in its other file.
_STUBS = (IPv4Address("127.0.0.53"), IPv4Address("127.0.0.54"))


class LinuxFacts:
    """Reads the HostFacts of this host."""

    def read(self) -> HostFacts:
        """Return the facts; what cannot be read is "" or False."""
        return HostFacts(
            hostname=socket.gethostname(),
            kernel=os.uname().release,
            boot_id=_text("/proc/sys/kernel/random/boot_id"),
            ip_forward=_text("/proc/sys/net/ipv4/ip_forward") == "1",
            resolvers=resolvers(),
            listeners=listeners(),
        )


def resolvers(
    resolv: str = _RESOLV, resolved: str = _RESOLVED
) -> tuple[tuple[IPv4Address, str], ...]:
    """Return the IPv4 DNS servers with the file that names each (resolv.conf(5))."""
    servers = _nameservers(resolv)
    if any(server in _STUBS for server in servers):
        own = [(server, resolv) for server in servers if server not in _STUBS]
        return (*own, *((server, resolved) for server in _nameservers(resolved)))
    return tuple((server, resolv) for server in servers)


def _nameservers(path: str) -> list[IPv4Address]:
    found: list[IPv4Address] = []
    for line in _text(path).splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":
            continue
        try:
            address = IPv4Address(words[1])
        except ValueError:
            continue  # IPv6
        if address not in found:
            found.append(address)
    return found


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""
