"""The proof of a NAT change: tables read back, packets sent, their translation read."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from netops.engine.before import targets_of
from netops.engine.context import Context
from netops.engine.desired_nat import MASQUERADE, NONE, DesiredNat
from netops.engine.errors import CheckFailed, OperationFailed
from netops.engine.nat.ruleset import EMPTY, tables_of
from netops.engine.nat_keep import lacking
from netops.engine.nat_setting import NatSetting
from netops.engine.published_nat import prove_published
from netops.engine.steps.base import Step
from netops.engine.steps.nat import NatRemember, foreign_of, setting_in

READ_S, ADDRESSES = 5.0, 8


class VerifyNat(Step):
    """Params: setting (NatSetting or null), gateway (the bridge's address with prefix, or "")."""

    kind = "verify_nat"

    def check(self, ctx: Context) -> None:
        ctx.wait(lambda: lacking(ctx.ports, ctx.ports.nat.read()), READ_S)
        ctx.output("The tables have our rules as they were set, and nothing else of ours.")
        self._tell_others(ctx)
        setting = setting_in(self.params)
        if setting is None:
            return
        if setting.desired.mode != NONE:
            self._prove_way_out(ctx, setting)
        prove_published(ctx, setting.bridge, setting.desired.publish)

    def _tell_others(self, ctx: Context) -> None:
        """Others may write at the same moment; it is said, since it was not us."""
        if not ctx.begun(NatRemember.kind):
            return
        before = foreign_of(str(ctx.memory[NatRemember.kind]["saved"]))
        now = foreign_of(ctx.ports.firewall.saved())
        count = sum(len(rules) for rules in now.values())
        if all(before.get(name, []) == now.get(name, []) for name in {*before, *now}):
            ctx.output(f"Rules of others: {count}, each what and where it was.")
        else:
            ctx.output("Others changed rules of their own meanwhile; ours did not touch them.")

    def _prove_way_out(self, ctx: Context, setting: NatSetting) -> None:
        desired = setting.desired
        text = self.text("gateway")
        if not text:
            ctx.output(f"{setting.bridge} has no address in {desired.subnet}: nothing was sent.")
            return
        gateway, tried, targets = IPv4Interface(text), 0, targets_of(ctx)
        if not targets:
            ctx.output("There is nobody outside to send to (no site elsewhere, no default route).")
        for target in targets:
            link = desired.out_interface
            if link and ctx.ports.netlink.link_to(target) != link:
                ctx.output(f"The way to {target} is not by {link}; it was not tried.")
                continue
            tried += 1
            if self._left_well(ctx, setting, gateway, target):
                return
        dropping = _dropping(ctx)
        if tried and dropping:
            ctx.output(f"Not seen translated: a rule of others may drop what was sent: {dropping}.")
        elif tried:
            message = f"No packet from {desired.subnet} got out of this host."
            raise CheckFailed(message, "See what drops it: `iptables -vnL FORWARD`.")

    def _left_well(
        self,
        ctx: Context,
        setting: NatSetting,
        gateway: IPv4Interface,
        target: IPv4Address,
    ) -> bool:
        """True if a packet left with the right source; raises CheckFailed if with a wrong one."""
        desired = setting.desired
        inside, found = _sent(ctx, setting, gateway, target)
        if inside is None:
            ctx.output(f"{desired.subnet} has no free address to send from: nothing was sent.")
            return True
        if found is None:
            ctx.output(f"A packet from {inside} to {target} was dropped on this host.")
            return False
        source, answered = found
        if not _is_right(ctx, desired, inside, target, source):
            wanted = desired.to_source or "an address of this host"
            raise CheckFailed(f"{inside} left as {source} towards {target}, not as {wanted}.")
        told = f"A packet from {inside} left as {source} towards {target}; no answer came."
        if answered:
            told = f"A packet from {inside} left as {source} towards {target}; it answered."
        ctx.output(told)
        return True


def _sent(
    ctx: Context, setting: NatSetting, gateway: IPv4Interface, target: IPv4Address
) -> tuple[IPv4Address | None, tuple[IPv4Address, bool] | None]:
    """Send from an address that nobody has; return it, and as what the packet left.

    The address is None where all are taken.
    """
    failure: OperationFailed | None = None
    for inside in _spare_addresses(ctx, setting.desired, gateway):
        address = IPv4Interface((inside, gateway.network.prefixlen))
        try:
            result = ctx.ports.netlink.translated(setting.bridge, address, gateway.ip, target)
        except OperationFailed as error:
            failure = error
            continue
        if result.source is None:
            return inside, None
        return inside, (result.source, result.answered)
    if failure is not None:
        raise failure
    return None, None


def _dropping(ctx: Context) -> str:
    """The first rule of others that drops forwarded packets, "" if there is none.

    In FORWARD or the administrator's own chain; the rules by which Docker keeps its networks apart
    are for other packets.
    """
    for rule in tables_of(ctx.ports.firewall.saved()).get("filter", EMPTY).rules:
        if rule.chain in ("FORWARD", "DOCKER-USER") and rule.target in ("DROP", "REJECT"):
            return f"-A {rule.chain} {rule.text}"
    return ""


def _spare_addresses(
    ctx: Context, desired: DesiredNat, gateway: IPv4Interface
) -> Iterator[IPv4Address]:
    """From the end of the subnet, where Docker comes last (moby ipam gives the lowest first)."""
    used = {gateway.ip, *(publish.to for publish in desired.publish)}
    for container in ctx.ports.docker.containers():
        for endpoint in container.endpoints:
            used |= {a for a in (endpoint.ipv4, endpoint.static_ipv4) if a is not None}
    last, found = int(desired.subnet.broadcast_address) - 1, 0
    for number in range(last, int(desired.subnet.network_address), -1):
        address = IPv4Address(number)
        if address not in used:
            yield address
            found += 1
        if found == ADDRESSES:
            return


def _is_right(
    ctx: Context,
    desired: DesiredNat,
    inside: IPv4Address,
    target: IPv4Address,
    source: IPv4Address,
) -> bool:
    if any(target in network for network in desired.exclude):
        return source == inside
    if desired.mode == MASQUERADE:
        return source != inside and source in _own_addresses(ctx, desired.subnet)
    return source == desired.to_source


def _own_addresses(ctx: Context, subnet: IPv4Network) -> list[IPv4Address]:
    return [
        a.interface.ip
        for a in ctx.ports.netlink.addresses()
        if a.interface.ip not in subnet and not a.interface.ip.is_loopback
    ]
