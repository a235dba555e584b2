"""A forwarded packet's way through iptables' table filter: the rule that drops it. Pure.

Only the matches that rules for ports are made of are read; any other match (a set, a mark, a rate)
may fit or not. So a rule that is found is a suspect for a packet that was seen dropped, and no
proof that any packet is.
"""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase
from ipaddress import IPv4Address

from attrs import field, frozen

from netops.engine.nat.ruleset import Line, Table, is_own, network_of

YES, MAYBE, NO = 2, 1, 0
_DROPS, _DEEPEST = ("DROP", "REJECT"), 8
_KNOWN = {"-s", "-d", "-p", "-m", "-j", "-g", "--sport", "--dport", "--dports",
          "--sports", "--ctstate", "--state", "--comment", "--reject-with"}  # fmt: skip
_OPPOSITE = {"-i": "-o", "-o": "-i"}
_MATCHES = {"tcp", "udp", "comment", "conntrack", "state", "multiport"}


@frozen
class Forwarded:
    """A packet as FORWARD sees it; None where nothing is known. `states` as conntrack matches.

    `client_side` is the option that names the link of the client ("-i", of an answer "-o"), which
    is another one with another client.
    """

    protocol: str
    source: IPv4Address | None
    source_port: int | None
    destination: IPv4Address | None
    destination_port: int | None
    in_link: str
    out_link: str
    states: tuple[str, ...]
    client_side: str


@frozen
class Fate:
    """`drop`: the rule that drops the packet, "" if none does. `others`: rules by which the packet
    of another client, by another link or from another source, may fare better."""

    drop: str = ""
    others: tuple[str, ...] = ()


@frozen
class _Walk:
    """`shared` are the links of this host that no client comes by; `suspects` may drop it."""

    table: Table
    packet: Forwarded
    shared: frozenset[str]
    others: list[str] = field(factory=list)
    suspects: list[str] = field(factory=list)


def fate(table: Table, packet: Forwarded, shared: Collection[str]) -> Fate:
    """Return the rule that drops a packet, of which it is known that it is dropped.

    The first rule that surely fits it, else the first that may. `shared` are the links that no
    client comes by (Docker's bridges, loopback).
    """
    walk = _Walk(table, packet, frozenset(shared))
    verdict = _chain(walk, "FORWARD", 0)
    if verdict is None and table.policies.get("FORWARD") == "DROP":
        verdict = "-P FORWARD DROP"
    return Fate(verdict or next(iter(walk.suspects), ""), tuple(walk.others))


def _chain(walk: _Walk, chain: str, depth: int) -> str | None:
    """Return the rule that drops the packet, "" if it is accepted, None at the chain's end."""
    for rule in walk.table.chain(chain):
        fits = _fits(walk.packet, rule)
        if _helps_others(walk, rule, fits):
            walk.others.append(_text(rule))
        if rule.target == "RETURN" and fits == YES:
            return None
        verdict = _rule(walk, rule, fits, depth)
        if verdict is not None:
            return verdict
    return None


def _rule(walk: _Walk, rule: Line, fits: int, depth: int) -> str | None:
    if fits == NO:
        return None
    if rule.target in _DROPS:
        if fits == YES:
            return _text(rule)
        walk.suspects.append(_text(rule))
    elif rule.target == "ACCEPT":
        return "" if fits == YES else None
    elif rule.target in walk.table.policies and depth < _DEEPEST:
        verdict = _chain(walk, rule.target, depth + 1)
        if fits == YES or not verdict:
            return verdict if fits == YES else None
        walk.suspects.append(verdict)
    return None


def _helps_others(walk: _Walk, rule: Line, fits: int) -> bool:
    """True if the rule may let a client pass that comes by another link, or from elsewhere."""
    named = set(rule.options.get(walk.packet.client_side, (False, ()))[1]) - walk.shared
    if is_own(rule) or (rule.target in _DROPS and not (fits and named)):
        return False
    passes = rule.target in ("ACCEPT", "RETURN", *_DROPS) or rule.target in walk.table.policies
    other = _link(rule, _OPPOSITE[walk.packet.client_side], walk.packet)
    if not passes or min(_fits_but_links(walk.packet, rule), other) == NO:
        return False
    return bool(named) or (rule.target == "ACCEPT" and fits == MAYBE)


def _text(rule: Line) -> str:
    return f"-A {rule.chain} {rule.text}"


def _fits(packet: Forwarded, rule: Line) -> int:
    links = (_link(rule, option, packet) for option in _OPPOSITE)
    return min(_fits_but_links(packet, rule), *links)


def _link(rule: Line, option: str, packet: Forwarded) -> int:
    negated, values = rule.options.get(option, (False, ()))
    if not values:
        return YES
    link = packet.in_link if option == "-i" else packet.out_link
    pattern = f"{values[0][:-1]}*" if values[0].endswith("+") else values[0]
    return YES if fnmatchcase(link, pattern) != negated else NO


def _fits_but_links(packet: Forwarded, rule: Line) -> int:
    found = YES
    for option, (negated, values) in rule.options.items():
        if option in _OPPOSITE:
            continue
        if option not in _KNOWN or (option == "-m" and not set(values) <= _MATCHES):
            found = min(found, MAYBE)
            continue
        held = _holds(packet, option, values)
        if held is None:
            found = min(found, MAYBE)
        elif held == negated:
            return NO
    return found


def _holds(packet: Forwarded, option: str, values: tuple[str, ...]) -> bool | None:
    """Return whether an option fits the packet, negation aside; None where that is not known."""
    value = values[0] if values else ""
    if option in ("-s", "-d"):
        address = packet.source if option == "-s" else packet.destination
        network = network_of(value)
        return None if address is None or network is None else address in network
    if option == "-p":
        return value in (packet.protocol, "all")
    if option in ("--dport", "--dports", "--sport", "--sports"):
        port = packet.destination_port if option.startswith("--d") else packet.source_port
        return None if port is None else _in_ports(port, value)
    if option in ("--ctstate", "--state"):
        return bool(set(value.split(",")) & set(packet.states))
    return True


def _in_ports(port: int, text: str) -> bool | None:
    for part in text.split(","):
        first, colon, last = part.partition(":")
        try:
            if int(first or 0) <= port <= int((last or 65535) if colon else first):
                return True
        except ValueError:
            return None
    return False
