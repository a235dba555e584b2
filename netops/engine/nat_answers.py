"""Who outside answers a subnet: packets sent from an address of it that nobody has."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface

from attrs import frozen

from netops.engine.before import REACH_S, host_reaches_out, targets_of
from netops.engine.context import Context, Saved
from netops.engine.errors import OperationFailed
from netops.engine.nat.ruleset import EMPTY, tables_of
from netops.engine.nat_setting import NatSetting
from netops.engine.serial import from_json

ADDRESSES = 8
TRANSLATIONS = ("MASQUERADE", "SNAT", "NETMAP")


@frozen
class Answers:
    """Whom a target outside answers: a packet of the subnet, and one of the host itself."""

    target: IPv4Address
    subnet: bool
    host: bool


@frozen
class Sent:
    """What became of a packet: from which address it was sent (None: all are taken), as which one
    it left (None: it was dropped on this host), and whether it was answered."""

    inside: IPv4Address | None
    source: IPv4Address | None = None
    answered: bool = False


def answers_take(ctx: Context, setting: NatSetting, gateway: IPv4Interface) -> tuple[Answers, ...]:
    """Return who answers now, for each target outside; takes up to five seconds.

    A subnet that nothing can be sent from counts as not answered, and so does one that no rule
    translates: nothing is sent from it, since each silent target takes two seconds.
    """
    found, translates = [], _may_be_translated(ctx, setting)
    for target in targets_of(ctx):
        host = host_reaches_out(ctx.ports, target, REACH_S)
        try:
            subnet = translates and sent(ctx, setting, gateway, target).answered
        except OperationFailed:
            subnet = False
        found.append(Answers(target, subnet, host))
    return tuple(found)


def _may_be_translated(ctx: Context, setting: NatSetting) -> bool:
    """Return whether a rule translates the subnet's packets now, as far as iptables shows it.

    Where the outside has a way to the subnet, its packets are answered without: no setting of ours
    but SNAT cuts these off, and of SNAT the proof asks for an answer in any case.
    """
    if ctx.ports.docker.daemon().firewall_backend == "nftables":
        return True
    rules = tables_of(ctx.ports.firewall.saved()).get("nat", EMPTY).rules
    return any(
        rule.target in TRANSLATIONS
        and (rule.source is None or rule.source.overlaps(setting.subnet))
        for rule in rules
    )


def answers_of(saved: Saved) -> dict[IPv4Address, Answers]:
    """Return what `answers_take` found, by target, from what a step saved."""
    listed = saved.get("answers")
    found = [from_json(Answers, one) for one in listed] if isinstance(listed, list) else []
    return {one.target: one for one in found}


def sent(ctx: Context, setting: NatSetting, gateway: IPv4Interface, target: IPv4Address) -> Sent:
    """Send from an address that nobody has, and look how the packet left.

    Raises OperationFailed when none of those that were tried could be used.
    """
    failure: OperationFailed | None = None
    for inside in _spare_addresses(ctx, setting, gateway):
        address = IPv4Interface((inside, gateway.network.prefixlen))
        try:
            result = ctx.ports.netlink.translated(setting.bridge, address, gateway.ip, target)
        except OperationFailed as error:
            failure = error
            continue
        return Sent(inside, result.source, result.answered)
    if failure is not None:
        raise failure
    return Sent(None)


def _spare_addresses(
    ctx: Context, setting: NatSetting, gateway: IPv4Interface
) -> Iterator[IPv4Address]:
    """From the end of the subnet, where Docker comes last (moby ipam gives the lowest first)."""
    used = {gateway.ip, *(publish.to for publish in setting.publishes)}
    for container in ctx.ports.docker.containers():
        for endpoint in container.endpoints:
            used |= {a for a in (endpoint.ipv4, endpoint.static_ipv4) if a is not None}
    subnet, found = setting.subnet, 0
    last = int(subnet.broadcast_address) - 1
    for number in range(last, int(subnet.network_address), -1):
        address = IPv4Address(number)
        if address not in used:
            yield address
            found += 1
        if found == ADDRESSES:
            return
