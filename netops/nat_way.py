"""The way that packets take through a host's NAT, hop by hop, with its own names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from attrs import frozen

from netops.engine.desired_nat import NONE, SNAT, DesiredNat
from netops.engine.nat.ruleset import Line, address_of
from netops.nat_choices import LinkChoice

OUTSIDE, CHAIN, BRIDGE, CONTAINER = "outside", "chain", "bridge", "container"
OUT_CHAIN, IN_CHAIN = "DOCKERNET-POSTROUTING", "DOCKERNET-PREROUTING"
_COMMENT = re.compile(r' -m comment --comment ("[^"]*"|\S+)')
_MOST = 5


@frozen
class Hop:
    """One place that a packet passes; `sort` is one of the constants above."""

    sort: str
    name: str
    notes: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    @property
    def icon_file(self) -> str:
        """The icon's template."""
        icons = {OUTSIDE: "server", CHAIN: "shield", BRIDGE: "network"}
        return f"icons/{icons.get(self.sort, 'box')}.svg"


@frozen
class Way:
    """One direction; `sentence` says what becomes of a packet, also where there are no hops."""

    name: str
    sentence: str
    hops: tuple[Hop, ...]


@frozen
class Scene:
    """What both ways are drawn from. `lines` are rules of nat that a packet can come to, `first`
    those that decide before ours; `desired` is our own setting.

    `docker_apart`: Docker has its rules in nftables tables of its own, where nobody else looks.
    """

    subnet: IPv4Network
    bridge: str
    gateway: str
    uplinks: tuple[LinkChoice, ...]
    lines: tuple[Line, ...]
    first: tuple[Line, ...] = ()
    desired: DesiredNat | None = None
    containers: tuple[tuple[IPv4Address, str], ...] = ()
    docker_apart: bool = False


def ways_of(scene: Scene) -> tuple[Way, Way]:
    """Return the way out of the containers, and the way in to them."""
    return _out(scene), _in(scene)


def _out(scene: Scene) -> Way:
    ours = [r for r in _chain(scene, OUT_CHAIN) if _is_way_out(r, scene.subnet)]
    others = [r for r in _chain(scene, "POSTROUTING") if _is_way_out(r, scene.subnet)]
    names = [f"{name} {ip}" for ip, name in scene.containers]
    notes = ("Asks Dockernet's chain first",) if ours else ()
    if ours and scene.first:
        notes, others = ("Rules that decide before Dockernet's chain",), [*scene.first]
    hops = [
        Hop(CONTAINER, "Containers", _few([str(scene.subnet), *names])),
        _bridge(scene),
        Hop(CHAIN, "POSTROUTING", notes, _rules(others)),
    ]
    if ours:
        hops.append(Hop(CHAIN, OUT_CHAIN, (), _rules(ours)))
    only = scene.desired.out_interface if scene.desired else ""
    hops += [_outside(scene, only)]
    return Way("Out of the containers", _out_sentence(scene, bool(ours), bool(others)), tuple(hops))


def _out_sentence(scene: Scene, ours: bool, others: bool) -> str:
    desired, subnet = scene.desired, scene.subnet
    if ours and desired is not None and desired.mode != NONE:
        said = [_our_sentence(desired)]
        if desired.exclude:
            kept = ", ".join(str(network) for network in desired.exclude)
            said.append(f"To {kept} it keeps its own.")
        if scene.first:
            said.append("Where a rule before ours fits, that one decides.")
        return " ".join(said)
    if others:
        return (
            f"A packet from {subnet} to the outside gets an address of this host as its source, "
            "by a rule that is not ours."
        )
    if scene.docker_apart:
        return (
            f"A packet from {subnet} to the outside is translated by Docker, in nftables tables "
            "of its own."
        )
    return (
        f"A packet from {subnet} to the outside keeps the container's address: nothing "
        "translates it."
    )


def _our_sentence(desired: DesiredNat) -> str:
    """Each variant is a whole sentence: only whole ones can be translated."""
    subnet, link, source = desired.subnet, desired.out_interface, desired.to_source
    if desired.mode == SNAT and link:
        return f"A packet from {subnet} to the outside by {link} gets {source} as its source."
    if desired.mode == SNAT:
        return f"A packet from {subnet} to the outside gets {source} as its source."
    if link:
        return (
            f"A packet from {subnet} to the outside by {link} gets the address of that link as "
            "its source."
        )
    return (
        f"A packet from {subnet} to the outside gets the address of the link that it leaves by "
        "as its source."
    )


def _in(scene: Scene) -> Way:
    ours = [r for r in _chain(scene, IN_CHAIN) if _leads_to(r) in scene.subnet]
    dockers = [r for r in _chain(scene, "DOCKER") if _leads_to(r) in scene.subnet]
    name = "Into the containers"
    if not ours and not dockers:
        none = f"No port of this host leads to {scene.subnet}."
        if scene.docker_apart:
            none = f"No port of this host that iptables shows leads to {scene.subnet}."
        return Way(name, none, ())
    hops = [_outside(scene), Hop(CHAIN, "PREROUTING", ("Packets to an address of this host",))]
    if ours:
        hops.append(Hop(CHAIN, IN_CHAIN, (), _rules(ours)))
    if dockers:
        notes = ("What Dockernet's chain did not take",) if ours else ()
        hops.append(Hop(CHAIN, "DOCKER", notes, _rules(dockers)))
    names = dict(scene.containers)
    targets = [(_leads_to(r), r.value("--to-destination")) for r in (*ours, *dockers)]
    ends = dict.fromkeys(f"{names.get(ip, '')} {text}".strip() for ip, text in targets)
    hops += [_bridge(scene), Hop(CONTAINER, "Containers", _few(list(ends)))]
    return Way(name, _ports_sentence(scene.subnet, len(ours), len(dockers)), tuple(hops))


def _ports_sentence(subnet: IPv4Network, ours: int, dockers: int) -> str:
    count = ours + dockers
    if ours and dockers:
        return f"{count} ports lead to {subnet}, {ours} by Dockernet, {dockers} Docker's own."
    if ours:
        if count == 1:
            return f"One port leads to {subnet}, by Dockernet."
        return f"{count} ports lead to {subnet}, by Dockernet."
    if count == 1:
        return f"One port leads to {subnet}, Docker's own."
    return f"{count} ports lead to {subnet}, Docker's own."


def _outside(scene: Scene, only: str = "") -> Hop:
    links = [link for link in scene.uplinks if not only or link.name == only]
    if len(links) == 1:
        return Hop(OUTSIDE, links[0].name, _few([str(ip) for ip in links[0].addresses]))
    told = [" ".join([link.name, *map(str, link.addresses)]) for link in links]
    return Hop(OUTSIDE, only or "The host's links", _few(told))


def _bridge(scene: Scene) -> Hop:
    return Hop(BRIDGE, scene.bridge or "Bridge", (scene.gateway,) if scene.gateway else ())


def _chain(scene: Scene, chain: str) -> Iterator[Line]:
    return (line for line in scene.lines if line.chain == chain)


def _is_way_out(rule: Line, subnet: IPv4Network) -> bool:
    """Not what is for a container that asks for a port of its own subnet by the host's address."""
    if rule.source != subnet or "--ctstate" in rule.options:
        return False
    if rule.chain == OUT_CHAIN:
        return True
    return rule.target in ("MASQUERADE", "SNAT") and "-d" not in rule.options


def _leads_to(rule: Line) -> IPv4Address:
    """Where a DNAT rule leads; an address that no subnet has where it is none."""
    nowhere = IPv4Address(0)
    if rule.target != "DNAT":
        return nowhere
    return address_of(rule.value("--to-destination")) or nowhere


def _rules(lines: list[Line]) -> tuple[str, ...]:
    return _few([_COMMENT.sub("", " " + line.text).strip() for line in lines])


def _few(texts: list[str]) -> tuple[str, ...]:
    if len(texts) <= _MOST:
        return tuple(texts)
    return (*texts[: _MOST - 1], f"… +{len(texts) - _MOST + 1}")
