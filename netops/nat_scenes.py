"""What the picture of a packet's way is drawn from: a plan, or a host as it is. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from netops.engine.desired_nat import parse
from netops.engine.errors import SpecInvalid
from netops.engine.nat.ruleset import ENDING, Line, Table
from netops.engine.observed import Observed
from netops.engine.plan import Plan
from netops.nat_choices import LinkChoice, network_with, setting_of, uplinks
from netops.nat_way import IN_CHAIN, OUT_CHAIN, Scene

_IN_TABLE = "-t nat -A "


def scene_of_plan(plan: Plan) -> Scene | None:
    """Return the scene after the change; None for a plan that sets no NAT rules."""
    step = next((s for s in plan.steps if s.kind == "nat_rules"), None)
    if step is None:
        return None
    try:
        desired = parse(plan.spec)
    except SpecInvalid:
        return None
    addresses = _section(plan, "addresses")
    bridge = _bridge_of(plan, step.params.get("setting"))
    after = step.params.get("after")
    others = [text for text in _section(plan, "rules") if " -A DOCKERNET-" not in text]
    texts = [*map(str, after if isinstance(after, list) else ()), *others]
    return Scene(
        subnet=desired.subnet,
        bridge=bridge,
        gateway=_gateway(addresses.get(bridge), desired.subnet),
        uplinks=tuple(
            LinkChoice(link, _ips(found))
            for link, found in addresses.items()
            if link != bridge and not link.startswith(("docker", "br-", "veth"))
        ),
        lines=tuple(_line(text) for text in texts if text.startswith(_IN_TABLE)),
        desired=desired,
        docker_apart=_section(plan, "firewall").get("family") == "docker-nftables",
    )


def scene_of_host(observed: Observed, table: Table, subnet: IPv4Network, bridge: str) -> Scene:
    """Return the scene of one subnet of a host as it was observed; `table` is its nat."""
    network = network_with(observed, str(subnet))
    places = [(c.name, c.endpoint(network.name)) for c in observed.containers] if network else []
    setting = setting_of(observed, subnet)
    return Scene(
        subnet=subnet,
        bridge=bridge,
        gateway=_gateway([str(i) for i in observed.addresses_of(bridge)], subnet),
        uplinks=uplinks(observed),
        lines=_reached(table),
        first=_before_ours(table),
        desired=setting.desired if setting else None,
        containers=tuple(
            (place.ipv4, name) for name, place in places if place is not None and place.ipv4
        ),
        docker_apart=observed.firewall.backend == "docker-nftables",
    )


def _reached(table: Table) -> tuple[Line, ...]:
    """The rules but for those of chains that nothing jumps to."""
    out = {r.target for r in table.chain("POSTROUTING")}
    into = {r.target for r in table.chain("PREROUTING")}
    if IN_CHAIN in into:
        into |= {r.target for r in table.chain(IN_CHAIN)}
    lost = {name for name in (IN_CHAIN, "DOCKER") if name not in into}
    lost |= {OUT_CHAIN} - out
    return tuple(rule for rule in table.rules if rule.chain not in lost)


def _before_ours(table: Table) -> tuple[Line, ...]:
    rules = table.chain("POSTROUTING")
    place = next((n for n, rule in enumerate(rules) if rule.target == OUT_CHAIN), 0)
    return tuple(rule for rule in rules[:place] if rule.target in ENDING)


def _section(plan: Plan, name: str) -> dict[str, Any]:
    section = plan.basis.get(name)
    return section if isinstance(section, dict) else {}


def _bridge_of(plan: Plan, setting: object) -> str:
    for network in _section(plan, "networks").values():
        if isinstance(network, dict) and network.get("bridge"):
            return str(network["bridge"])
    return str(setting.get("bridge", "")) if isinstance(setting, dict) else ""


def _interfaces(found: object) -> list[IPv4Interface]:
    interfaces = []
    for text in found if isinstance(found, list) else ():
        try:
            interfaces.append(IPv4Interface(str(text)))
        except ValueError:
            continue
    return interfaces


def _ips(found: object) -> tuple[IPv4Address, ...]:
    return tuple(interface.ip for interface in _interfaces(found))


def _gateway(found: object, subnet: IPv4Network) -> str:
    return next((str(i) for i in _interfaces(found) if i.network == subnet), "")


def _line(text: str) -> Line:
    chain, _, rule = text.removeprefix(_IN_TABLE).partition(" ")
    return Line(chain, rule)
