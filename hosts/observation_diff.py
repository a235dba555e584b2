"""What changed between two observations (as JSON), in words. Pure."""

from __future__ import annotations

from typing import Any

from django.utils.translation import override

from netops.engine.nat.ruleset import OWN
from netops.kinds_nat import target

# They differ from one look to the next on a host that nobody touched. Programs listen and stop
# listening all the time, and Docker's rules come and go with its containers, which are told.
_VOLATILE = {"at", "pid", "index", "peer_index", "listeners", "left_out"}
_TABLES = ("nat", "forward")
_SHOWN = 12
OWN_RULES = "Dockernet's own rules: "


def steady(data: Any) -> Any:
    """Return an observation without what changes by itself (times, process and link numbers,
    rules that are not ours)."""
    if isinstance(data, dict):
        kept = {key: steady(value) for key, value in data.items() if key not in _VOLATILE}
        tables = [name for name in _TABLES if isinstance(kept.get(name), list)]
        return kept | {name: [t for t in kept[name] if _lasts(t)] for name in tables}
    if isinstance(data, list):
        return [steady(item) for item in data]
    return data


def _lasts(line: Any) -> bool:
    """True for our own rules in a table, and for what FORWARD does by default."""
    return isinstance(line, str) and (OWN in line or line.startswith(":FORWARD "))


_ELSE = {
    "boot_id": "The host was restarted.",
    "controller": "The site's address, as the host sees it, changed.",
    "hostname": "The host's own name changed.",
    "ip_forward": "IP forwarding changed.",
    "kernel": "The kernel changed.",
    "problems": "What could not be read changed.",
    "resolvers": "The DNS servers changed.",
    "routes": "The routes changed.",
    "service": "Docker's service changed.",
}


def differences(old: dict[str, Any] | None, new: dict[str, Any]) -> list[str]:
    """Return sentences for what a reader of the history looks for first, then what else moved."""
    if old is None:
        return ["First observation."]
    found = [
        *_value("Docker", _at(old, "daemon", "version"), _at(new, "daemon", "version")),
        *_value("Docker runs", _at(old, "daemon", "running"), _at(new, "daemon", "running")),
        *_bridge_addresses(old, new),
        *_networks(old, new),
        *_containers(old, new),
        *_config(old, new),
        *_nat(old, new),
    ]
    named = {"daemon", "networks", "containers", "config", "addresses", "ports", "links"}
    named |= {"nat", "firewall"}
    found += [
        _ELSE.get(key) or f"{key.replace('_', ' ').capitalize()} changed."
        for key in sorted({*old, *new} - named - _VOLATILE)
        if steady(old.get(key)) != steady(new.get(key))
    ]
    if len(found) > _SHOWN:
        found = [*found[:_SHOWN], f"And {len(found) - _SHOWN} more."]
    return found or ["Details changed."]


def network_facts(old: dict[str, Any] | None, new: dict[str, Any]) -> list[str]:
    """Return the sentences about addresses, subnets, Docker's settings and NAT: what a container
    that comes or goes does not change."""
    if old is None:
        return []
    found = [
        *_bridge_addresses(old, new),
        *_networks(old, new),
        *_config(old, new),
        *_nat(old, new),
    ]
    return [*found[:_SHOWN], f"And {len(found) - _SHOWN} more."] if len(found) > _SHOWN else found


def _at(data: dict[str, Any], *path: str) -> Any:
    value: Any = data
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _value(label: str, before: Any, after: Any) -> list[str]:
    return [] if before == after else [f"{label}: {_word(before)} → {_word(after)}."]


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_word(item) for item in value) or "none"
    return str(value) if value not in (None, "") else "none"


def _by(items: Any, key: str) -> dict[str, Any]:
    return {str(item.get(key)): item for item in items or [] if isinstance(item, dict)}


def _bridge_addresses(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    found: list[str] = []
    bridges = {n.get("bridge") for d in (old, new) for n in d.get("networks") or []} - {"", None}
    for bridge in sorted({*map(str, bridges), "docker0"}):
        before, after = (
            [a.get("interface") for a in d.get("addresses") or [] if a.get("link") == bridge]
            for d in (old, new)
        )
        found += _value(bridge, before, after)
    return found


def _networks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    before, after = _by(old.get("networks"), "name"), _by(new.get("networks"), "name")
    found = [f"Network {name} is new." for name in sorted(after.keys() - before.keys())]
    found += [f"Network {name} is gone." for name in sorted(before.keys() - after.keys())]
    for name in sorted(before.keys() & after.keys()):
        found += _value(f"Network {name}", before[name].get("subnets"), after[name].get("subnets"))
    return found


def _addresses(container: dict[str, Any]) -> list[str]:
    endpoints = container.get("endpoints") or []
    return [str(e["ipv4"]) for e in endpoints if isinstance(e, dict) and e.get("ipv4")]


def _containers(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    before, after = _by(old.get("containers"), "name"), _by(new.get("containers"), "name")
    found = [f"Container {name} is new." for name in sorted(after.keys() - before.keys())]
    found += [f"Container {name} is gone." for name in sorted(before.keys() - after.keys())]
    for name in sorted(before.keys() & after.keys()):
        one, other = before[name], after[name]
        found += _value(f"Container {name}", one.get("state"), other.get("state"))
        found += _address(name, _word(_addresses(one)), _word(_addresses(other)))
    return found


def _address(name: str, before: str, after: str) -> list[str]:
    if before == after:
        return []
    if before == "none":
        return [f"Container {name} has {after} now."]
    if after == "none":
        return [f"Container {name} has no address any more; it had {before}."]
    return [f"Address of container {name}: {before} → {after}."]


def _config(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    before, after = (_by(_at(d, "config", "values"), "key") for d in (old, new))
    found: list[str] = []
    for key in sorted({*before, *after}):
        one, other = before.get(key) or {}, after.get(key) or {}
        found += _value(f"Docker's setting {key}", one.get("value"), other.get("value"))
    return found


def _nat(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Settings first; rules of ours on their own only where no setting explains them."""
    found: list[str] = []
    one, other = _settings(old), _settings(new)
    for subnet in sorted({*one, *other}):
        found += _value(f"NAT of {subnet}", one.get(subnet), other.get(subnet))
    explained = bool(found)
    before, after = (steady(d.get("firewall") or {}) for d in (old, new))
    was, now = ([t for name in _TABLES for t in fw.pop(name, None) or ()] for fw in (before, after))
    one_policy, other_policy = _word(_policy(was)), _word(_policy(now))
    if one_policy != other_policy:
        found.append(f"Policy of the firewall's chain FORWARD: {one_policy} → {other_policy}.")
    gone = {line for line in was if OWN in line and line not in now}
    fresh = {line for line in now if OWN in line and line not in was}
    if (gone or fresh) and not explained:
        found.append(f"{OWN_RULES}{len(gone)} gone, {len(fresh)} new.")
    if before != after:
        found.append("Firewall changed.")
    return found


def _policy(lines: list[str]) -> str:
    return next((t[9:].split(" ")[0] for t in lines if t.startswith(":FORWARD ")), "")


def _settings(data: dict[str, Any]) -> dict[str, str]:
    """{subnet: what was asked for, in a few words}."""
    specs = [s.get("spec") for s in _at(data, "nat", "settings") or [] if isinstance(s, dict)]
    return {str(spec.get("subnet")): _asked(spec) for spec in specs if isinstance(spec, dict)}


def _asked(spec: dict[str, Any]) -> str:
    # Kept in the record, so in English.
    with override("en"):
        return target(spec).partition(" → ")[2]
