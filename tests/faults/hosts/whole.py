"""Whether a host is wholly as it was or wholly as a change wanted it; nothing in between passes."""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import time
from pathlib import Path
from typing import Any

from lab.host import LabHost
from tests.root.in_host import serves

OLD, NEW = "old", "new"
LOOK = Path(__file__).with_name("look.py").read_text()
Seen = dict[str, Any]


def look(host: LabHost) -> Seen:
    """All that a change may touch on a host, as the host's own tools tell it (look.py)."""
    seen: Seen = json.loads(host.run(["python3", "-"], input=LOOK).stdout)
    return seen


def lasting(seen: Seen) -> Seen:
    """What must be the same again: without the addresses of containers, which Docker gives anew."""
    running = {n: (c["running"], c["paused"]) for n, c in seen["containers"].items()}
    return {**seen, "containers": running}


def own_rules(seen: Seen) -> list[str]:
    """Our rules without the number of the change that set them."""
    return [re.sub(r"(dockernet \S+ change) \d+", r"\1 N", rule) for rule in seen["rules"]]


def settings(seen: Seen) -> list[dict[str, Any]]:
    """What nat.json has, each setting's specification."""
    if seen["settings"] is None:
        return []
    data = json.loads(base64.b64decode(seen["settings"][3]))
    return [setting["spec"] for setting in data["settings"]]


def daemon_json(seen: Seen) -> dict[str, Any]:
    """dockerd's configuration, {} without one."""
    found = seen["files"].get("daemon.json")
    return dict(json.loads(base64.b64decode(found[3]))) if found else {}


def which(before: Seen, after: Seen, subnet: str) -> str:
    """OLD or NEW after a change of docker0 to `subnet`; AssertionError with what is mixed."""
    if lasting(after) == lasting(before):
        return OLD
    network = ipaddress.IPv4Network(subnet)
    old = ipaddress.IPv4Interface(before["docker0"][0]).network
    interface = f"{network[1]}/{network.prefixlen}"
    kept = {name: mode for name, (mode, *_) in before["files"].items()}
    wanted = {
        "docker0": [interface],
        "record": subnet,
        "daemon.json": {**daemon_json(before), "bip": interface},
        "modes": {**{"daemon.json": "0o644"}, **kept},
        "rules": [rule.replace(str(old), subnet) for rule in own_rules(before)],
        "settings": [{**s, "subnet": subnet} for s in settings(before)],
        **_same(before),
    }
    modes = {n: mode for n, (mode, *_) in after["files"].items() if n in wanted["modes"]}
    found = {
        "docker0": after["docker0"],
        "record": after["record"],
        "daemon.json": daemon_json(after),
        "modes": modes,
        "rules": own_rules(after),
        "settings": settings(after),
        **_same(after),
    }
    assert found == wanted, _mixed(before, after, found, wanted)
    return NEW


def which_nat(before: Seen, after: Seen, wanted_rules: list[str], spec: Seen) -> str:
    """OLD or NEW after a NAT change to `spec`, whose rules are `wanted_rules` (own_rules)."""
    if lasting(after) == lasting(before):
        return OLD
    untouched = ("docker0", "record", "files")
    wanted = {**{k: before[k] for k in untouched}, "rules": wanted_rules, **_same(before)}
    found = {**{k: after[k] for k in untouched}, "rules": own_rules(after), **_same(after)}
    assert found == wanted, _mixed(before, after, found, wanted)
    (setting,) = settings(after)
    assert {k: setting[k] for k in spec} == spec, (setting, spec)
    return NEW


def _same(seen: Seen) -> Seen:
    """What every change leaves as it is."""
    kept = ("default", "sysctl", "ip_forward", "containers")
    return {key: lasting(seen)[key] for key in kept}


def _mixed(before: Seen, after: Seen, found: Seen, wanted: Seen) -> str:
    old = {k: (before[k], after[k]) for k in lasting(before)
           if lasting(before)[k] != lasting(after)[k]}  # fmt: skip
    new = {k: (wanted[k], found[k]) for k in wanted if wanted[k] != found[k]}
    return f"neither old nor new.\nnot old (was, is): {old}\nnot new (wanted, is): {new}"


def assert_of_use(host: LabHost, seen: Seen, ports: dict[int, str]) -> None:
    """Running containers have addresses of docker0's subnet, inside as in Docker's record, and
    what they publish answers somebody outside: {port: the container's name}."""
    subnet = ipaddress.IPv4Network(seen["record"])
    for name, container in seen["containers"].items():
        if container["running"]:
            assert ipaddress.IPv4Interface(container["address"]).network == subnet, (name, seen)
            assert container["inside"] == [container["address"]], (name, container)
    for port, name in ports.items():
        deadline = time.monotonic() + 10
        while (answer := serves(host, port)) != name:
            assert time.monotonic() < deadline, f"{host.name}:{port} answers {answer!r}, not {name}"
