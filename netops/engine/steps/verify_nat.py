"""The proof of a NAT change: tables read back, packets sent, their translation read."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from attrs import frozen

from netops.engine.before import targets_of
from netops.engine.context import Context
from netops.engine.desired_nat import MASQUERADE, NONE, SNAT, DesiredNat
from netops.engine.errors import CheckFailed
from netops.engine.nat.ruleset import EMPTY, tables_of
from netops.engine.nat_answers import Answers, answers_of, sent
from netops.engine.nat_keep import lacking
from netops.engine.nat_setting import NatSetting, setting_for
from netops.engine.published_nat import prove_published
from netops.engine.steps.base import Step
from netops.engine.steps.nat import NatRemember, foreign_of, setting_in

READ_S, ANSWER_S = 5.0, 6.0


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
        # As the rules were set: what is published by name has the address that it had then.
        setting = setting_for(ctx.ports.nat.read().settings, setting.subnet) or setting
        if setting.desired.mode != NONE:
            self._prove_way_out(ctx, setting)
        prove_published(ctx, setting.bridge, setting.publishes)

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
        way = _WayOut(ctx, setting, IPv4Interface(text))
        tried, left, targets = 0, False, targets_of(ctx)
        if not targets:
            ctx.output("There is nobody outside to send to (no site elsewhere, no default route).")
        for target in targets:
            link = desired.out_interface
            if link and ctx.ports.netlink.link_to(target) != link:
                ctx.output(f"The way to {target} is not by {link}; it was not tried.")
                way.must_answer(target)
                continue
            tried += 1
            if not left or way.required(target):
                left = way.left_well(target) or left
        dropping = _dropping(ctx)
        if tried and not left and dropping:
            ctx.output(f"Not seen translated: a rule of others may drop what was sent: {dropping}.")
        elif tried and not left:
            message = f"No packet from {desired.subnet} got out of this host."
            raise CheckFailed(message, "See what drops it: `iptables -vnL FORWARD`.")


@frozen
class _WayOut:
    """The proof that packets of a setting's subnet leave as asked, and are answered as before."""

    ctx: Context
    setting: NatSetting
    gateway: IPv4Interface

    def left_well(self, target: IPv4Address) -> bool:
        """True if a packet left with the right source; raises CheckFailed if with a wrong one, or
        if `target` must answer it and does not."""
        ctx, desired = self.ctx, self.setting.desired
        one = sent(ctx, self.setting, self.gateway, target)
        if one.inside is None:
            ctx.output(f"{desired.subnet} has no free address to send from: nothing was sent.")
            return True
        if one.source is None:
            ctx.output(f"A packet from {one.inside} to {target} was dropped on this host.")
            if self._answered_before(target):
                self.must_answer(target)
            return False
        if not _is_right(ctx, desired, one.inside, target, one.source):
            wanted = desired.to_source or "an address of this host"
            raise CheckFailed(
                f"{one.inside} left as {one.source} towards {target}, not as {wanted}."
            )
        if not one.answered:
            self.must_answer(target)
        told = f"A packet from {one.inside} left as {one.source} towards {target}; no answer came."
        if one.answered or self.required(target):
            told = f"A packet from {one.inside} left as {one.source} towards {target}; it answered."
        ctx.output(told)
        return True

    def required(self, target: IPv4Address) -> str:
        """Return why `target` must answer, as what to say if it does not; "" if it need not.

        SNAT may name an address that nobody else has a way to; a masqueraded packet has the
        address that the host's own packets have. Without an answer to the host itself nothing can
        be told from silence.
        """
        desired, before = self.setting.desired, self._before(target)
        if self._answered_before(target):
            return f"{target} answered packets from {desired.subnet} before, and does not now."
        kept = any(target in network for network in desired.exclude)
        link = desired.out_interface
        away = link and self.ctx.ports.netlink.link_to(target) != link
        if desired.mode == SNAT and before is not None and before.host and not (kept or away):
            return (
                f"{target} answers this host, but no packet from {desired.subnet} that leaves as "
                f"{desired.to_source}: it has no way back to that address."
            )
        return ""

    def must_answer(self, target: IPv4Address) -> None:
        """Ask again for a while; raises CheckFailed if `target` must answer and does not."""
        why = self.required(target)
        if not why:
            return

        def problems() -> list[str]:
            one = sent(self.ctx, self.setting, self.gateway, target)
            return [] if one.answered else [why]

        self.ctx.wait(problems, ANSWER_S, "Choose a source that others have a way to.")

    def _answered_before(self, target: IPv4Address) -> bool:
        before = self._before(target)
        return before is not None and before.subnet

    def _before(self, target: IPv4Address) -> Answers | None:
        if not self.ctx.begun(NatRemember.kind):
            return None
        return answers_of(self.ctx.memory[NatRemember.kind]).get(target)


def _dropping(ctx: Context) -> str:
    """The first rule of others that drops forwarded packets, "" if there is none.

    In FORWARD or the administrator's own chain; the rules by which Docker keeps its networks apart
    are for other packets.
    """
    for rule in tables_of(ctx.ports.firewall.saved()).get("filter", EMPTY).rules:
        if rule.chain in ("FORWARD", "DOCKER-USER") and rule.target in ("DROP", "REJECT"):
            return f"-A {rule.chain} {rule.text}"
    return ""


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
