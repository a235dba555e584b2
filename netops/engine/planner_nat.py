"""The plan of a NAT change: our own rules for one subnet, set in one commit a table and proved."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from netops.engine import basis
from netops.engine.desired_nat import KIND, DesiredNat
from netops.engine.findings.nat import findings_of
from netops.engine.findings.nat_case import NatCase
from netops.engine.nat.commands import commands_of
from netops.engine.nat.own import wanted_lines
from netops.engine.nat.ruleset import is_own, own_lines
from netops.engine.nat_setting import setting_basis
from netops.engine.observed import Observed
from netops.engine.plan import BLOCKER, Plan, StepSpec, digest_of
from netops.engine.ports import Reserved
from netops.engine.serial import Json, to_json

SYSCTL_FILE = "/etc/sysctl.d/99-dockernet.conf"


def plan(
    observed: Observed, desired: DesiredNat, reserved: Reserved = (), change_id: int = 0
) -> Plan:
    """Return the plan that gives the subnet of `desired` its NAT; without steps if blocked."""
    case = NatCase(observed, desired, change_id)
    findings = findings_of(case)
    blocked = any(f.severity == BLOCKER for f in findings)
    steps = () if blocked else tuple(_steps(case))
    spec, made_from = desired.to_spec(), basis_of(case)
    return Plan(
        kind=KIND,
        spec=spec,
        basis=made_from,
        steps=steps,
        findings=findings,
        containers=(),
        expected_outage_s=0.0,
        digest=digest_of(spec, made_from, steps),
    )


def basis_of(case: NatCase) -> dict[str, Json]:
    """Return what of the host decides about this change (see basis.py)."""
    observed, desired = case.observed, case.desired
    network = case.network.name if case.network else ""
    networks = basis.networks_section(observed)
    ports = {p.l4_port for p in desired.publish}
    return {
        "networks": {name: value for name, value in networks.items() if name == network},
        "addresses": _addresses(case),
        "own address": _asked_for(case),
        "firewall": {
            "family": observed.firewall.backend,
            "FORWARD's policy": case.forward.policies.get("FORWARD", ""),
            "forwarding": observed.ip_forward,
        },
        "settings": {str(s.spec["subnet"]): setting_basis(s) for s in observed.nat.settings},
        "rules": basis.names_section(deciding_lines(case)),
        **_published_to(case),
        "listeners": basis.names_section(
            f"{item.protocol} {item.address or '*'}:{item.l4_port}"
            for item in observed.listeners
            if item.l4_port in ports
        ),
    }


def _published_to(case: NatCase) -> dict[str, Json]:
    """Where the containers are that ports are published to, by name or by plain address.

    One in a loop of restarts has an address at some looks only: there it counts as having none.
    """
    looping = {c.name for c in case.observed.containers if c.looping}
    section: basis.Section = {}
    for publish in case.desired.publish:
        subnet = case.desired.subnet
        if publish.to is not None:
            holder = case.places.holder(publish.to, subnet)
            known = holder is not None and holder.container not in looping
            section[str(publish.to)] = holder.container if holder and known else ""
        else:
            place = case.places.place(publish.container, subnet)
            section[publish.container] = str(place.ipv4 or "") if place else ""
    return {"published containers": section} if section else {}


def _addresses(case: NatCase) -> basis.Section:
    """Addresses of the bridge and of the ways out; others come and go with VPNs and networks."""
    ways = {route.link for route in case.observed.routes if route.destination.prefixlen == 0}
    named = {case.bridge, case.desired.out_interface, *ways}
    links = basis.addresses_section(case.observed)
    return {link: found for link, found in links.items() if link in named}


def _asked_for(case: NatCase) -> basis.Section:
    """Whether the host has the addresses that the request names."""
    own = {a.interface.ip for a in case.observed.addresses}
    asked = {case.desired.to_source, *(publish.host_ip for publish in case.desired.publish)}
    return {str(ip): ip in own for ip in asked if ip is not None}


def deciding_lines(case: NatCase) -> list[str]:
    """Return our rules and jumps as they are, and others' that translate the subnet."""
    subnet = case.desired.subnet
    return [
        f"-t {name} -A {rule.chain} {rule.text}"
        for name, table in case.live.items()
        for rule in table.rules
        if is_own(rule) or (rule.chain == "POSTROUTING" and rule.source == subnet)
    ]


def _steps(case: NatCase) -> Iterator[StepSpec]:
    yield StepSpec(
        "nat_remember",
        "Look at the rules that there are and remember them",
        "iptables-save; sysctl net.ipv4.ip_forward",
        _probed(case),
    )
    if case.fresh is not None and case.forwarding_unsure:
        yield StepSpec(
            "forward_on",
            "Let the host forward packets, now and after a reboot",
            f"sysctl -w net.ipv4.ip_forward=1; echo net.ipv4.ip_forward = 1 > {SYSCTL_FILE}",
            {"file": SYSCTL_FILE},
        )
    yield _rules(case)
    if _forwarding_no_longer_ours(case):
        yield StepSpec(
            "forward_forget",
            "Leave it to others whether the host forwards packets after a reboot",
            f"rm {SYSCTL_FILE}",
            {"file": SYSCTL_FILE},
        )
    subnet, ports = str(case.desired.subnet), _published(case)
    commands = [f"conntrack -D -s {subnet}", f"conntrack -D -d {subnet}"]
    commands += [f"conntrack -D -p {protocol} --orig-port-dst {port}" for protocol, port in ports]
    yield StepSpec(
        "forget_connections",
        f"Forget the connections of {subnet} and to the ports"
        if ports
        else f"Forget the connections of {subnet}",
        "; ".join(commands),
        {"subnet": subnet, "ports": [f"{protocol} {port}" for protocol, port in ports]},
    )
    yield StepSpec(
        "verify_nat",
        "Read the tables back, and send packets through them",
        f"iptables-save -t nat; conntrack -L -s {subnet}",
        _probed(case),
    )


def _probed(case: NatCase) -> dict[str, Json]:
    """The parameters of the steps that send packets out of the subnet, before and after."""
    return {"setting": _asked(case), "gateway": str(case.gateway or "")}


def _asked(case: NatCase) -> Json:
    """The setting without who is behind its ports, which the step looks up when it is done."""
    asked: Json = to_json(evolve(case.fresh, leads=()) if case.fresh else None)
    return asked


def _published(case: NatCase) -> list[tuple[str, int]]:
    """The ports that are published now, or will be: (protocol, port of the host)."""
    now = case.setting.desired.publish if case.setting else ()
    return sorted({(p.protocol, p.l4_port) for p in (*now, *case.desired.publish)})


def _forwarding_no_longer_ours(case: NatCase) -> bool:
    """The last setting goes for which it was switched on."""
    ours = bool(case.setting and case.setting.forwarding_was_off)
    return ours and not any(setting.forwarding_was_off for setting in case.settings)


def _rules(case: NatCase) -> StepSpec:
    subnet = str(case.desired.subnet)
    commands = [
        command
        for name, own in case.wanted.items()
        for command in commands_of(name, case.live[name], case.edits(name, own))
    ]
    led = case.fresh.publishes if case.fresh else ()
    commands += [f"# {publish.text}" for publish in led if publish.container and commands]
    title = f"Set our rules for {subnet}, each table in one commit"
    if case.fresh is None:
        title = f"Remove our rules for {subnet}, each table in one commit"
    return StepSpec(
        "nat_rules",
        title,
        "\n".join(commands) or "iptables-save    # every rule is there already",
        {
            "subnet": subnet,
            "setting": _asked(case),
            "before": own_lines(case.live),
            "after": wanted_lines(case.wanted),
        },
    )
