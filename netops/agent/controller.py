"""The site as this host reaches it: the addresses behind its URLs, and the link towards them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterable
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import urlsplit

from netops.agent.config import AgentConfig, Place
from netops.engine.observed import Controller
from netops.engine.ports import Netlink

RESOLVE_S = 3.0


def controller_find(config: AgentConfig, place: Place, netlink: Netlink) -> Controller:
    """Return the addresses of the site and of the broker, sorted, and the link of the first route.

    When names cannot be resolved within RESOLVE_S seconds, the last addresses that could be are
    taken: a resolver that is away for a moment must not change what the host looks like.
    """
    names = {urlsplit(url).hostname or "" for url in (config.site_url, config.broker_url)}
    names.discard("")
    remembered = place.state / "controller.json"
    addresses = _resolve_all(names)
    if addresses is None:
        addresses = _recall(remembered, names)
    else:
        _remember(remembered, names, addresses)
    found = tuple(sorted(addresses))
    links = (netlink.link_to(address) for address in found)
    return Controller(found, next((link for link in links if link), ""))


def _resolve_all(names: Iterable[str]) -> set[IPv4Address] | None:
    """Return the IPv4 addresses of all names, None if one is not known in time."""
    found: dict[str, set[IPv4Address]] = {}

    def resolve(name: str) -> None:
        try:
            infos = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
        except OSError:
            return
        found[name] = {IPv4Address(str(info[4][0])) for info in infos}

    threads = [threading.Thread(target=resolve, args=(n,), daemon=True) for n in sorted(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(RESOLVE_S)
    if len(found) < len(threads):
        return None
    return set().union(*found.values())


def _remember(path: Path, names: set[str], addresses: set[IPv4Address]) -> None:
    text = json.dumps({"names": sorted(names), "addresses": sorted(map(str, addresses))})
    try:
        if path.exists() and path.read_text() == text:
            return
        part = path.with_suffix(".part")
        part.write_text(text)
        part.replace(path)
    except OSError:
        return  # A cache only.


def _recall(path: Path, names: set[str]) -> set[IPv4Address]:
    try:
        data = json.loads(path.read_text())
        if data["names"] != sorted(names):
            return set()
        return {IPv4Address(address) for address in data["addresses"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
