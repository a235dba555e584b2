"""A subnet that moves takes its NAT setting along. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from netops.engine.desired_nat import DesiredNat
from netops.engine.findings.subnet_case import SubnetCase, info, listed, warning
from netops.engine.nat.commands import commands_of
from netops.engine.nat.edits import edits_of
from netops.engine.nat.own import FILTER, NAT, own_rules, wanted_lines
from netops.engine.nat.ruleset import own_lines, table_of
from netops.engine.nat_setting import NatSetting, setting_for, settings_with
from netops.engine.plan import Finding, StepSpec
from netops.engine.serial import to_json


def setting_of(case: SubnetCase) -> NatSetting | None:
    """Return the NAT setting of the subnet that docker0 leaves, None if it has none."""
    if case.old_subnet is None or case.old_subnet == case.desired.subnet:
        return None
    return setting_for(case.observed.nat.settings, case.old_subnet)


def followed(case: SubnetCase, setting: NatSetting, change_id: int) -> NatSetting | None:
    """Return the setting for the new subnet, None where nothing of it is left.

    Ports published to a container by name follow it; the step looks up its address when the
    containers are back. Those to a plain address do not: Docker gives addresses anew, so that the
    one that a port leads to may be another container's.
    """
    named = tuple(p for p in setting.desired.publish if p.container)
    desired: DesiredNat = evolve(setting.desired, subnet=case.desired.subnet, publish=named)
    if desired.empty:
        return None
    return evolve(setting, spec=desired.to_spec(), change_id=change_id, leads=())


def nat_follows(case: SubnetCase) -> Iterator[Finding]:
    """What becomes of the NAT setting of the old subnet."""
    setting = setting_of(case)
    if setting is None:
        return
    old, new = case.old_subnet, case.desired.subnet
    message = (
        f"The NAT setting of {old} (change {setting.change_id}) becomes one of {new}, in this job."
    )
    yield info("nat-setting-follows", message, str(old))
    ports = [publish.text for publish in setting.desired.publish if not publish.container]
    if ports:
        message = (
            f"Ports that Dockernet publishes to a plain address do not follow, since addresses are "
            f"given anew: {listed(ports)}. Publish them to their containers by name, now or after "
            "the change."
        )
        yield warning("published-ports-are-lost", message, str(old))


def follow_step(case: SubnetCase, change_id: int) -> StepSpec | None:
    """Return the step that moves the setting, None where there is none to move."""
    setting = setting_of(case)
    if setting is None:
        return None
    old, fresh = setting.subnet, followed(case, setting, change_id)
    firewall = case.observed.firewall
    live = {NAT: table_of(firewall.nat), FILTER: table_of(firewall.forward)}
    wanted = own_rules(settings_with(case.observed.nat.settings, old, fresh))
    commands = [
        command
        for name, own in wanted.items()
        for command in commands_of(name, live[name], edits_of(live[name], own))
    ]
    named = fresh.desired.publish if fresh else ()
    commands += [f"# and {p.text}, with the address that {p.container} has then" for p in named]
    return StepSpec(
        "nat_rules",
        f"Move our NAT rules from {old} to {case.desired.subnet}, each table in one commit",
        "\n".join(commands),
        {
            "subnet": str(old),
            "setting": to_json(fresh),
            "before": own_lines(live),
            "after": wanted_lines(wanted),
        },
    )
