"""The plan of a subnet change: all that can be done before the stop or after the start is there."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface

from netops.engine import basis
from netops.engine.config_edit import JSON, ConfigEdit, edit_for
from netops.engine.desired_subnet import KIND, DesiredSubnet
from netops.engine.findings.containers import bound_to_old
from netops.engine.findings.overlaps import names_old_subnet
from netops.engine.findings.subnet import findings_of
from netops.engine.findings.subnet_case import (
    BRIDGE_LINK,
    BRIDGE_NETWORK,
    NETWORK_KEYS,
    SubnetCase,
    network_of,
)
from netops.engine.hold import hold_name, parts_to_hold
from netops.engine.nat_follow import follow_step, nat_follows, setting_of
from netops.engine.nat_setting import setting_basis
from netops.engine.observed import Container, Observed
from netops.engine.outage import expected_outage_s, start_limit_s, stop_limit_s
from netops.engine.plan import BLOCKER, ContainerMove, Plan, StepSpec, digest_of
from netops.engine.ports import Reserved
from netops.engine.published import published_now
from netops.engine.serial import Json, to_json

MOST = 20  # Commands for ports that a person is shown; a published range may have thousands.


def plan(
    observed: Observed, desired: DesiredSubnet, reserved: Reserved, change_id: int = 0
) -> Plan:
    """Return the plan that gives docker0 the subnet of `desired`; without steps if blocked."""
    case = SubnetCase(observed, desired, tuple(reserved))
    findings = findings_of(case, nat_follows(case))
    blocked = any(f.severity == BLOCKER for f in findings)
    old = None if blocked else case.old_interface
    steps = () if old is None else _steps(case, old, change_id)
    spec, made_from = desired.to_spec(), basis_of(case)
    return Plan(
        kind=KIND,
        spec=spec,
        basis=made_from,
        steps=steps,
        findings=findings,
        containers=moves(case),
        expected_outage_s=expected_outage_s(observed.service.manager, case.running),
        digest=digest_of(spec, made_from, steps),
    )


def basis_of(case: SubnetCase) -> dict[str, Json]:
    """Return what of the host decides about this change (see basis.py)."""
    observed, subnet = case.observed, case.desired.subnet
    rules = (r for r in observed.firewall.rules if names_old_subnet(r, case))
    return {
        "containers": basis.containers_section(observed),
        "networks": basis.networks_section(observed),
        "config": basis.config_section(observed),
        "daemon": basis.daemon_section(observed),
        "units": basis.units_section(observed),
        "addresses": basis.addresses_section(observed),
        "routes": basis.routes_section(observed, lambda r: r.destination.overlaps(subnet)),
        "resolvers": basis.names_section(r.address for r in observed.resolvers),
        "controller": basis.names_section(observed.controller.addresses),
        "rules": basis.names_section(rules),
        "NAT setting": setting_basis(setting_of(case)),
    }


def start_order(container: Container) -> tuple[int, int, int, str]:
    """Sort key: those that dockerd starts itself, then those that Dockernet starts.

    Among each by the present address, so that nobody is said to change places without a reason;
    one in a loop of restarts has no address that stays, and counts as having none.
    """
    unmanaged = container.restart_policy in ("", "no")
    joins = container.network_mode.startswith("container:")
    address = None if container.looping else _ipv4(container)
    return int(unmanaged), int(joins), int(address or 0), container.name


def moves(case: SubnetCase) -> tuple[ContainerMove, ...]:
    """Return each container of the default bridge with its address now and the one expected.

    Docker gives the lowest free address to whoever starts first, and starts containers with a
    restart policy at the same time: addresses may be swapped among the containers.
    """
    hosts = (a for a in _hosts(case) if a != case.desired.gateway)
    expected = {}
    for container in sorted(case.on_bridge, key=start_order):
        lost = container.auto_remove or bound_to_old(container, case)
        expected[container.name] = None if lost else next(hosts, None)
    return tuple(
        ContainerMove(c.name, _ipv4(c), expected[c.name])
        for c in sorted(case.on_bridge, key=lambda c: c.name)
    )


def _hosts(case: SubnetCase) -> Iterator[IPv4Address]:
    fixed = case.setting("fixed-cidr")
    pool = (network_of(fixed.value) if fixed else None) or case.desired.subnet
    return (a for a in pool if a in case.desired.subnet and _is_host(a, case))


def _is_host(address: IPv4Address, case: SubnetCase) -> bool:
    subnet = case.desired.subnet
    return address not in (subnet.network_address, subnet.broadcast_address)


def _ipv4(container: Container) -> IPv4Address | None:
    endpoint = container.endpoint(BRIDGE_NETWORK)
    return endpoint.ipv4 if endpoint else None


def _steps(case: SubnetCase, old: IPv4Interface, change_id: int) -> tuple[StepSpec, ...]:
    """Before the outage, the outage, after it."""
    new = case.desired.interface
    edit = edit_for(case.observed.config, NETWORK_KEYS, "bip", str(new))
    follow = follow_step(case, change_id)
    return (
        *_prepare(case, old, edit),
        *_cut_over(case, old, new),
        *([follow] if follow else []),
        *_prove(case, old, new),
    )


def _command(case: SubnetCase, verb: str) -> str:
    """What a person types on this host's init (the adapters' own words for it)."""
    if case.observed.service.manager == "sysv":
        return f"service docker {verb}"
    socket = "docker.socket " if case.observed.service.socket_unit and verb != "status" else ""
    return f"systemctl {verb} {socket}docker.service"


def _start_command(case: SubnetCase) -> str:
    """What a person types to start Docker, and then the units that have stopped with it."""
    units = case.observed.service.dependents
    then = f" && systemctl start {shlex.join(units)}" if units else ""
    return _command(case, "start") + then


def _prepare(case: SubnetCase, old: IPv4Interface, edit: ConfigEdit) -> list[StepSpec]:
    exists = edit.format != JSON or case.observed.config.content is not None
    steps = [
        StepSpec(
            "remember",
            "Look at Docker's service and remember what runs",
            f"{_command(case, 'status')}; docker ps",
            {"interface": str(old)},
        ),
        StepSpec(
            "write_config",
            f"Set {edit.key} to {edit.value} in {edit.path}",
            edit.command(exists),
            {"edit": to_json(edit)},
        ),
    ]
    if edit.format == JSON:
        steps.append(
            StepSpec(
                "validate_config",
                "Have dockerd validate its configuration",
                f"dockerd --validate --config-file {shlex.quote(edit.path)}",
                {"edit": to_json(edit)},
            )
        )
    return steps


def _cut_over(case: SubnetCase, old: IPv4Interface, new: IPv4Interface) -> list[StepSpec]:
    steps = []
    if case.observed.daemon.live_restore and case.running:
        names = " ".join(c.name for c in case.running)
        steps.append(
            StepSpec(
                "stop_containers",
                "Stop every container (live-restore is on)",
                f"docker stop {names}",
            )
        )
    steps += [
        StepSpec("docker_stop", "Stop Docker", _command(case, "stop"),
                 {"timeout_s": stop_limit_s(case.running)}),
        _link_set(up=False),
        *(_address_remove(i) for i in _leaving(case, old)),
        StepSpec("address_add", f"Add {new} to {BRIDGE_LINK}",
                 f"ip addr add {new} dev {BRIDGE_LINK} && ip addr show dev {BRIDGE_LINK}",
                 {"link": BRIDGE_LINK, "address": str(new)}),
        _link_set(up=True),
        StepSpec("docker_start", "Start Docker", _start_command(case),
                 {"timeout_s": start_limit_s(case.running), "interface": str(new)}),
        *_hold(old, new),
    ]  # fmt: skip
    started = [c.name for c in sorted(case.running, key=start_order) if not c.auto_remove]
    steps.append(
        StepSpec(
            "start_containers",
            "Start what ran and does not yet",
            f"docker start {' '.join(started)}" if started else "docker ps -a",
            {"interface": str(new)},
        )
    )
    return steps


def _hold(old: IPv4Interface, new: IPv4Interface) -> list[StepSpec]:
    """Docker gives a free range to the next network: then there is no way back to it."""
    parts = parts_to_hold(old.network, new.network)
    if not parts:
        return []
    commands = [
        f"docker network create --internal --subnet {part} "
        f"-o com.docker.network.bridge.inhibit_ipv4=true {hold_name(part)}"
        for part in parts
    ]
    return [
        StepSpec(
            "hold_range",
            f"Hold {old.network} for the way back, until the change is confirmed",
            "\n".join(commands),
            {"old": str(old.network), "new": str(new.network)},
        )
    ]


def _leaving(case: SubnetCase, old: IPv4Interface) -> list[IPv4Interface]:
    """Addresses to be removed from docker0: extra ones first, so that undoing adds them last."""
    there = [i for i in case.observed.addresses_of(BRIDGE_LINK) if i != case.desired.interface]
    return [i for i in there if i != old] + [i for i in there if i == old]


def _link_set(*, up: bool) -> StepSpec:
    word = "up" if up else "down"
    return StepSpec(
        "link_set",
        f"Set {BRIDGE_LINK} up" if up else f"Set {BRIDGE_LINK} down",
        f"ip link set dev {BRIDGE_LINK} {word} && ip link show dev {BRIDGE_LINK}",
        {"link": BRIDGE_LINK, "up": up},
    )


def _address_remove(interface: IPv4Interface) -> StepSpec:
    return StepSpec(
        "address_remove",
        f"Remove {interface} from {BRIDGE_LINK}",
        f"ip addr del {interface} dev {BRIDGE_LINK} && ip addr show dev {BRIDGE_LINK}",
        {"link": BRIDGE_LINK, "address": str(interface)},
    )


def _forget(case: SubnetCase, old: IPv4Interface) -> StepSpec:
    """Those of the old subnet, and to every published port: see `forget_published`."""
    ports = sorted(published_now(c for c in case.running if not c.looping))
    commands = [f"conntrack -D -s {old.network}", f"conntrack -D -d {old.network}"]
    commands += [f"conntrack -D -p {name} --orig-port-dst {port}" for name, port in ports[:MOST]]
    more = "    # and so on, for each port" if len(ports) > MOST else ""
    return StepSpec(
        "forget_connections",
        f"Forget the connections of {old.network} and to the ports"
        if ports
        else f"Forget the connections of {old.network}",
        "; ".join(commands) + more,
        {
            "subnet": str(old.network),
            "ports": [f"{name} {port}" for name, port in ports],
            "published": True,
        },
    )


def _prove(case: SubnetCase, old: IPv4Interface, new: IPv4Interface) -> list[StepSpec]:
    steps = [
        _forget(case, old),
        StepSpec("verify_layers", "Read back configuration, Docker's record and kernel",
                 f"docker network inspect bridge; ifconfig {BRIDGE_LINK}",
                 {"interface": str(new)}),
    ]  # fmt: skip
    if case.running:
        shown = (case.on_bridge or case.running)[0].name
        steps.append(
            StepSpec("verify_containers", "Look into every container, and from it to the outside",
                     f"docker exec {shlex.quote(shown)} ifconfig    # and so on, for each",
                     {"interface": str(new)})
        )  # fmt: skip
        steps.append(
            StepSpec("look_again", "Look once more, after some seconds, at all that ran",
                     "sleep 4; docker ps", {"interface": str(new)})
        )  # fmt: skip
    return steps
