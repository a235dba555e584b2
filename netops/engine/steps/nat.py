"""Our own NAT rules: what there was, forwarding, the rules themselves."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Interface, IPv4Network

from attrs import evolve

from netops.engine.context import Context, Saved
from netops.engine.desired_nat import NONE, NatPublish
from netops.engine.errors import CheckFailed, OperationFailed
from netops.engine.file_copy import file_put_back, file_saved
from netops.engine.nat.follow import setting_now
from netops.engine.nat.own import comment_mark
from netops.engine.nat.ruleset import tables_of
from netops.engine.nat_answers import answers_take
from netops.engine.nat_keep import edit_to, followed, lacking, same_family
from netops.engine.nat_setting import (
    NatSetting,
    NatState,
    asked_for,
    setting_for,
    settings_with,
)
from netops.engine.serial import Json, from_json, to_json
from netops.engine.steps.base import Step

# Docker may be starting after a reboot, and is itself writing rules then.
BACK_S = 20.0


def setting_in(params: dict[str, Json]) -> NatSetting | None:
    """Return the setting in a step's params, None where all of ours goes."""
    data = params["setting"]
    return None if data is None else from_json(NatSetting, data)


def foreign_of(saved: str) -> dict[str, list[str]]:
    """Return the rules that are not ours, in order, by table."""
    return {
        name: [f"-A {rule.chain} {rule.text}" for rule in table.foreign]
        for name, table in tables_of(saved).items()
    }


class NatRemember(Step):
    """Keep all tables as they are, as iptables-save prints them, before anything is set, and who
    outside answers the subnet; params: setting (NatSetting or null), gateway (as in VerifyNat)."""

    kind = "nat_remember"

    def save(self, ctx: Context) -> Saved:
        saved = {"saved": ctx.ports.firewall.saved(), "state": to_json(ctx.ports.nat.read())}
        setting = setting_in(self.params)
        if setting is None or setting.desired.mode == NONE or not self.text("gateway"):
            return {**saved, "answers": []}
        gateway = IPv4Interface(self.text("gateway"))
        return {**saved, "answers": to_json(answers_take(ctx, setting, gateway))}

    def check(self, ctx: Context) -> None:
        tables = tables_of(str(ctx.memory[self.kind]["saved"]))
        told = [f"{len(table.rules)} rules in {name}" for name, table in sorted(tables.items())]
        forwards = "on" if ctx.ports.forwarding.enabled() else "off"
        ctx.output(f"Now: {', '.join(told) or 'no tables'}; forwarding is {forwards}.")

    def undo(self, ctx: Context, saved: Saved) -> None:
        """The proof that what is ours is as it was; after a reboot no rule is there any more."""
        before = from_json(NatState, saved["state"])

        def problems() -> list[str]:
            now = ctx.ports.nat.read()
            if asked_for(now) != asked_for(before):
                return ["Our NAT settings on this host's disk are not what they were."]
            if not same_family(ctx.ports, now):
                return ["Docker does not run yet, and with it its family of iptables is unknown."]
            if lacking(ctx.ports, now):
                edit_to(ctx.ports, now, now.settings)
            missing = lacking(ctx.ports, now)
            return [f"Our rules are not as they were: {'; '.join(missing)}."] if missing else []

        ctx.wait(problems, BACK_S)


class ForwardOn(Step):
    """`sysctl -w net.ipv4.ip_forward=1`, and a file for the next boot; params: file."""

    kind = "forward_on"

    def save(self, ctx: Context) -> Saved:
        enabled = ctx.ports.forwarding.enabled()
        return {"enabled": enabled, "file": file_saved(ctx.ports, self.text("file"))}

    def do(self, ctx: Context) -> None:
        ctx.ports.forwarding.enable()

    def check(self, ctx: Context) -> None:
        if not ctx.ports.forwarding.enabled():
            raise CheckFailed("The host still does not forward packets.")
        ctx.output(f"The host forwards packets; {self.text('file')} says so to the next boot.")

    def undo(self, ctx: Context, saved: Saved) -> None:
        # After a reboot it is on or off for a reason of the boot's, or of dockerd's.
        if not saved["enabled"] and not ctx.rebooted:
            ctx.ports.forwarding.disable()
        file_put_back(ctx.ports, self.text("file"), saved["file"])


class ForwardForget(Step):
    """Take the file for the next boot away; others may need what is on now. params: file."""

    kind = "forward_forget"

    def save(self, ctx: Context) -> Saved:
        return {"file": file_saved(ctx.ports, self.text("file"))}

    def do(self, ctx: Context) -> None:
        ctx.ports.config.remove(self.text("file"))

    def check(self, ctx: Context) -> None:
        ctx.output(f"{self.text('file')} is gone; until the next boot forwarding stays as it is.")

    def undo(self, ctx: Context, saved: Saved) -> None:
        file_put_back(ctx.ports, self.text("file"), saved["file"])


class NatRules(Step):
    """Our rules for one subnet; params: subnet, setting (NatSetting or null), before, after.

    The setting may be one of another subnet than `subnet`, whose setting it then replaces.
    """

    kind = "nat_rules"

    def save(self, ctx: Context) -> Saved:
        tables: list[Json] = [*tables_of(ctx.ports.firewall.saved())]
        return {"state": to_json(ctx.ports.nat.read()), "tables": tables}

    def do(self, ctx: Context) -> None:
        old = ctx.ports.nat.read()
        mine = self._now(ctx)
        fresh = settings_with(old.settings, IPv4Network(self.text("subnet")), mine)
        before = set(tables_of(ctx.ports.firewall.saved()))
        edit_to(ctx.ports, old, fresh)
        made = {*old.made_tables, *(set(tables_of(ctx.ports.firewall.saved())) - before)}
        if not fresh:
            _tables_remove(ctx, sorted(made))
            made = set()
        family = ctx.ports.firewall.family() if fresh else ""
        ctx.ports.nat.write(NatState(fresh, tuple(sorted(made)), family))

    def _now(self, ctx: Context) -> NatSetting | None:
        """Return the setting where Docker has it now: after a restart addresses are others."""
        setting, places = setting_in(self.params), ctx.ports.docker.places()
        return setting_now(setting, places) if setting and places else setting

    def check(self, ctx: Context) -> None:
        problems = lacking(ctx.ports, ctx.ports.nat.read())
        if problems:
            raise CheckFailed(f"The rules are not there: {'; '.join(problems)}.")
        setting, tables = setting_in(self.params), tables_of(ctx.ports.firewall.saved())
        subnet = str(setting.spec["subnet"]) if setting else self.text("subnet")
        counts = {
            name: sum(comment_mark(subnet) in rule.text for rule in table.rules)
            for name, table in tables.items()
        }
        told = [f"{count} in {name}" for name, count in sorted(counts.items()) if count]
        ctx.output(f"Our rules for {subnet}: {' and '.join(told) or 'none'}.")
        for publish in closed_ports(ctx, subnet):
            ctx.output(
                f"{publish.container} has no address now: {publish.port} leads nowhere until it "
                "has one."
            )

    def reach(self, ctx: Context) -> None:
        self.do(ctx)
        self.check(ctx)

    def undo(self, ctx: Context, saved: Saved) -> None:
        old, now = _led(ctx, from_json(NatState, saved["state"])), ctx.ports.nat.read()
        # Whatever the settings on disk say: the rules may have been set before they were written.
        mine = setting_in(self.params)
        edit_to(ctx.ports, evolve(now, settings=(*now.settings, *([mine] if mine else []))),
                old.settings)  # fmt: skip
        names = saved["tables"]
        there = set(names) if isinstance(names, list) else set()
        _tables_remove(ctx, sorted(set(tables_of(ctx.ports.firewall.saved())) - there))
        ctx.ports.nat.write(old)
        # What was translated by the rules that are gone now must not be for as long as it lasts.
        for subnet in {self.text("subnet"), *([str(mine.spec["subnet"])] if mine else [])}:
            ctx.ports.netlink.forget_connections(IPv4Network(subnet))


def _led(ctx: Context, old: NatState) -> NatState:
    """Return former settings where Docker has them now, as they were while it does not answer.

    An address of then may be another container's by now: its port stays closed until `nat_keep`,
    at the end of the way back, finds the container.
    """
    try:
        return followed(ctx.ports, old)
    except OperationFailed:
        return old


def _tables_remove(ctx: Context, names: Sequence[str]) -> None:
    for name in names:
        ctx.ports.firewall.remove_empty(name)


def closed_ports(ctx: Context, subnet: str) -> list[NatPublish]:
    """Return the ports of a subnet's setting whose container has no address now."""
    setting = setting_for(ctx.ports.nat.read().settings, IPv4Network(subnet))
    if setting is None:
        return []
    open_ports = {publish.port for publish in setting.publishes}
    return [p for p in setting.desired.publish if p.port not in open_ports]
