"""What a plan was made from, in a form that two moments of a host can be compared by.

A basis is {section: {name: value}}; a value is plain JSON, often an object of named fields. It
holds what decides about a change and nothing that differs between two looks at an unchanged host
(process ids, veth names, MAC addresses, interface indexes, times, the order of lists).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping

from netops.engine.observed import Observed, Publish, Route
from netops.engine.serial import Json

Section = dict[str, Json]

# Routing daemons change routes by themselves, all the time (rtnetlink(7), rt_protos).
ROUTING_DAEMONS = frozenset((
    "gated", "ra", "mrt", "zebra", "bird", "dnrouted", "xorp", "ntk", "mrouted", "babel", "openr",
    "bgp", "isis", "ospf", "rip", "eigrp", "keepalived",
))  # fmt: skip


def publish_text(publish: Publish) -> str:
    """Return a published port as `docker port` writes it: 0.0.0.0:8080->80/tcp."""
    host = publish.host_ip or "0.0.0.0"  # noqa: S104 - text, nothing is bound
    return f"{host}:{publish.host_port}->{publish.container_port}/{publish.protocol}"


def _sorted(values: Iterable[object]) -> list[Json]:
    return [*sorted(str(value) for value in values)]


def containers_section(observed: Observed) -> Section:
    """Containers that run, and those that Docker will start by itself at its next start."""
    section: Section = {}
    for c in observed.containers:
        if not (c.running or c.restart_policy == "always"):
            continue
        steady = c.running and not c.looping
        section[c.name] = {
            "id": c.id,
            "running": c.running,
            "paused": c.state == "paused",
            "restart policy": c.restart_policy,
            "removed when it stops": c.auto_remove,
            "network mode": c.network_mode,
            "addresses": {e.network: str(e.ipv4 or "") for e in c.endpoints} if steady else {},
            "published ports": [publish_text(p) for p in sorted(c.publishes, key=publish_text)],
        }
    return section


def networks_section(observed: Observed) -> Section:
    """Docker's networks with their bridges and subnets."""
    return {
        n.name: {
            "id": n.id,
            "driver": n.driver,
            "bridge": n.bridge,
            "subnets": _sorted(n.subnets),
            "gateway": str(n.gateway or ""),
        }
        for n in observed.networks
        if n.driver not in ("host", "null")
    }


def config_section(observed: Observed) -> Section:
    """dockerd's configuration: hash of daemon.json, each value in force with its place."""
    config = observed.config
    digest = "absent"
    if config.content is not None:
        digest = hashlib.sha256(config.content.encode()).hexdigest()[:16]
    section: Section = {f"content of {config.path}": digest, "error": config.error}
    section["set twice"] = _sorted(config.conflicts)
    for value in config.values:
        if value.origin != "default":
            section[value.key] = {"value": value.value, "set in": f"{value.origin} {value.path}"}
    return section


def daemon_section(observed: Observed) -> Section:
    """The engine and its service."""
    daemon, service = observed.daemon, observed.service
    return {
        "version": daemon.version,
        "running": daemon.running,
        "live-restore": daemon.live_restore,
        "part of a swarm": daemon.swarm_active,
        "service manager": service.manager,
        "socket unit": service.socket_unit,
        "service active": service.active,
        "firewall": observed.firewall.backend,
    }


def units_section(observed: Observed) -> Section:
    """Units that run and stop with Docker."""
    return names_section(observed.service.dependents)


def addresses_section(observed: Observed) -> Section:
    """IPv4 addresses of the host by link; those of veths and loopback say nothing."""
    kinds = {link.name: link.kind for link in observed.links}
    section: dict[str, list[object]] = {}
    for address in observed.addresses:
        if kinds.get(address.link) != "veth" or address.scope == "global":
            section.setdefault(address.link, []).append(address.interface)
    return {link: _sorted(found) for link, found in section.items() if link != "lo"}


def routes_section(observed: Observed, matters: Callable[[Route], bool]) -> Section:
    """Routes that a person made, and of a routing daemon's those that `matters` says."""
    kinds = {link.name: link.kind for link in observed.links}
    section: Section = {}
    for route in observed.routes:
        daemon_made = route.protocol.lower() in ROUTING_DAEMONS
        if matters(route) or not (daemon_made or kinds.get(route.link) == "veth"):
            via = f" via {route.gateway}" if route.gateway else ""
            name = f"{route.destination}{via} dev {route.link or '-'} table {route.table}"
            section[name] = True
    return section


def names_section(values: Iterable[object]) -> Section:
    """A section of things that are only there or not."""
    return {str(value): True for value in values}


LABELS = {
    "containers": "Container",
    "networks": "Docker network",
    "config": "Docker's setting",
    "daemon": "Docker:",
    "units": "Dependent unit",
    "addresses": "Addresses of",
    "routes": "Route",
    "resolvers": "DNS server",
    "controller": "The site's address",
    "rules": "Firewall rule",
    "problems": "Unreadable:",
    "published containers": "Published port's target",
}


def differences(old: Mapping[str, Json], new: Mapping[str, Json]) -> list[str]:
    """Return what differs between two bases, one sentence for each difference, sorted."""
    found: list[str] = []
    for section in sorted({*old, *new}):
        # A section that one of two versions of Dockernet does not have.
        before, after = old.get(section, {}), new.get(section, {})
        label = LABELS.get(section, f"{section.capitalize()}:")
        if not isinstance(before, dict) or not isinstance(after, dict):
            if before != after:
                found.append(f"{label} changed: {_told(before)} → {_told(after)}.")
            continue
        for name in sorted({*before, *after}):
            if name not in before:
                found.append(_new(section, f"{label} {name}", name, after[name]))
            else:
                found += _named(f"{label} {name}", before, after, name)
    return found


def _new(section: str, label: str, name: str, value: Json) -> str:
    """Return what is new in a sentence; of a container and a network what a reader asks first."""
    if section == "containers" and isinstance(value, dict):
        return _new_container(name, value)
    if section == "networks" and isinstance(value, dict):
        subnets = _told(value.get("subnets"))
        return f"Docker network {name} is new; its subnets: {subnets}."
    detail = "" if value is True else f": {_told(value)}"
    return f"{label} is new{detail}."


def _new_container(name: str, value: Section) -> str:
    addresses, ports = value.get("addresses"), value.get("published ports")
    found = sorted(str(a) for a in addresses.values() if a) if isinstance(addresses, dict) else []
    where = ", ".join(found)
    if ports and where:
        return f"Container {name} is new; its addresses: {where}; it publishes {_told(ports)}."
    if ports:
        return f"Container {name} is new; it publishes {_told(ports)}."
    if where:
        return f"Container {name} is new; its addresses: {where}."
    return f"Container {name} is new."


def _named(label: str, old: Mapping[str, Json], new: Mapping[str, Json], name: str) -> list[str]:
    if name not in new:
        return [f"{label} is gone."]
    before, after = old[name], new[name]
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            f"{label}: {key} changed: {_told(before.get(key))} → {_told(after.get(key))}."
            for key in sorted({*before, *after})
            if before.get(key) != after.get(key)
        ]
    return [f"{label} changed: {_told(before)} → {_told(after)}."]


def _told(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{k} {_told(v)}" for k, v in sorted(value.items())) or "nothing"
    if isinstance(value, list):
        return ", ".join(_told(item) for item in value) or "nothing"
    return str(value) if value not in (None, "") else "nothing"
