"""Reads a host back, layer by layer: each function returns what is not so, in sentences.

An empty list means that the layer holds. Nothing is changed here, and nothing is believed that a
step said of itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import IPv4Interface, IPv4Network

from attrs import evolve

from netops.engine.before import (
    BRIDGE,
    Before,
    RanBefore,
    has_own_network,
    host_reaches_out,
    reaches_out,
)
from netops.engine.context import Context
from netops.engine.identity import same_containers
from netops.engine.observed import Container, Endpoint, Publish
from netops.engine.port_answer import OPEN
from netops.engine.ports import HostPorts
from netops.engine.published import PortHeard, answered_before, lost_since, ports_heard
from netops.engine.ran_through import still_expected

BRIDGE_NETWORK = "bridge"


def configured_problems(ports: HostPorts, interface: IPv4Interface) -> list[str]:
    """Layer 1: dockerd's next start would give docker0 this address."""
    config = ports.config.observe(ports.service.state())
    if config.error:
        return [f"{config.path} cannot be read: {config.error}."]
    if config.conflicts:
        names = ", ".join(config.conflicts)
        return [f"Set twice, in {config.path} and as a flag: {names}; dockerd would not start."]
    bip = config.get("bip")
    if bip is None or bip.value != str(interface):
        found = "not set" if bip is None else f"{bip.value} ({bip.origin})"
        return [f"dockerd's bip is {found}, not {interface}."]
    return []


def docker_problems(ports: HostPorts, interface: IPv4Interface) -> list[str]:
    """Layer 2: Docker's own record of its default network."""
    network = next((n for n in ports.docker.networks() if n.name == BRIDGE_NETWORK), None)
    if network is None:
        return ["Docker has no default bridge network."]
    if network.subnets != (interface.network,):
        found = ", ".join(str(s) for s in network.subnets) or "no subnet"
        return [f"Docker's record of its default network says {found}, not {interface.network}."]
    if network.gateway is not None and network.gateway != interface.ip:
        return [f"Docker's record of the gateway says {network.gateway}, not {interface.ip}."]
    return []


def kernel_problems(
    ports: HostPorts, addresses: Iterable[IPv4Interface], *, must_be_up: bool
) -> list[str]:
    """Layer 3: docker0 has exactly these addresses and, where containers use it, is up."""
    link = next((link for link in ports.netlink.links() if link.name == BRIDGE), None)
    if link is None:
        return [f"{BRIDGE} does not exist."]
    wanted = set(addresses)
    found = {a.interface for a in ports.netlink.addresses() if a.link == BRIDGE}
    problems = []
    if found != wanted:
        there, want = _text(found) or "no address", _text(wanted) or "none"
        problems.append(f"{BRIDGE} has {there}, not {want}.")
    if must_be_up and not link.up:
        problems.append(f"{BRIDGE} is down.")
    return problems


def _text(interfaces: Iterable[IPv4Interface]) -> str:
    return ", ".join(str(i) for i in sorted(interfaces))


def running_problems(ctx: Context, expected: Iterable[RanBefore], subnet: IPv4Network) -> list[str]:
    """Layer 4: each expected container runs with its addresses, for Docker and for the kernel.

    As in the layers above it, one that ran again and ended by itself is asked for nothing, nor is
    one that somebody has removed.
    """
    expected = list(expected)
    same = same_containers(expected, ctx.ports.docker.containers())
    pids = [c.pid for c in same.values() if c.pid > 0]
    inside = ctx.ports.netlink.inside(pids)
    problems = []
    for before in still_expected(ctx, expected, same):
        container = same.get(before.id)
        if container is None:
            continue  # Somebody has removed it; Docker removes none that ran without --rm.
        if not container.running or container.state == "restarting":
            problems.append(f"{before.name} does not run ({container.state}).")
        else:
            found = inside.get(container.pid)
            kernel = {a.interface for a in found.addresses} if found else set()
            problems += _address_problems(before, container, kernel, subnet)
            if container.id == before.id:  # One made anew is as its manager wants it now.
                problems += _publish_problems(before, container)
    return problems


def _address_problems(
    before: RanBefore, container: Container, kernel: set[IPv4Interface], subnet: IPv4Network
) -> list[str]:
    if not has_own_network(before):
        return []
    problems = []
    for old in before.endpoints:
        new = container.endpoint(old.network)
        interface = _interface(new)
        if interface is None:
            if old.ipv4 is not None and container.id == before.id:
                problems.append(f"{before.name} has no address in the network {old.network}.")
            continue
        if old.network == BRIDGE_NETWORK and interface.network != subnet:
            problems.append(f"{before.name} has {interface}, not an address of {subnet}.")
        if interface not in kernel:
            there = _text(kernel) or "no address"
            problems.append(f"{before.name} has {interface} for Docker, {there} for the kernel.")
    return problems


def _interface(endpoint: Endpoint | None) -> IPv4Interface | None:
    if endpoint is None or endpoint.ipv4 is None or endpoint.prefixlen is None:
        return None
    return IPv4Interface((endpoint.ipv4, endpoint.prefixlen))


def _publish_problems(before: RanBefore, container: Container) -> list[str]:
    now = {_place(p) for p in container.publishes}
    return [
        f"{before.name}'s port {p.container_port}/{p.protocol} is no longer published."
        for p in before.publishes
        if _place(p) not in now
    ]


def _place(publish: Publish) -> tuple[str, int, str]:
    """A published port without its host port, which Docker may choose anew at each start."""
    return publish.protocol, publish.container_port, str(publish.host_ip)


def outside_problems(ctx: Context, before: Before, expected: Iterable[RanBefore]) -> list[str]:
    """Each container that reached the outside before reaches it now."""
    expected = list(expected)
    same = same_containers(expected, ctx.ports.docker.containers())
    return [
        f"{ran.name} does not reach {before.target} any more."
        for ran in still_expected(ctx, expected, same)
        if ran.reaches
        and ran.id in same
        and not reaches_out(ctx.ports, same[ran.id], before.target, 1.0)
    ]


def cut_off(ctx: Context, before: Before) -> bool:
    """True if the host itself has lost `target`, other than by sending to it through docker0.

    What the containers lost with it is then no fault of theirs, nor of docker0.
    """
    target = before.target
    return (
        before.host_reaches
        and target is not None
        and ctx.ports.netlink.link_to(target) != BRIDGE
        and not host_reaches_out(ctx.ports, target, 1.0)
    )


def port_answers(
    ctx: Context, before: Before, expected: Iterable[RanBefore], fine: Collection[str] = ()
) -> dict[str, str]:
    """Return how published ports that answered before answer now: {text: word}.

    OPEN as before; SILENT or REJECTED where the way to the container is broken; REFUSED where it is
    open but nothing listens there yet, which may be the program's own slow start. Those in `fine`
    are not tried again.
    """
    expected = list(expected)
    same = same_containers(expected, ctx.ports.docker.containers())
    left = [ran for ran in still_expected(ctx, expected, same) if ran.id in same]
    were = {same[ran.id].id: ports_of(ran) for ran in left}
    now = {c.id: c for c in same.values()}
    asked = [
        evolve(c, publishes=tuple(p for p in c.publishes if port_name(p, c) not in fine))
        for c in now.values()
        if any(port.answered for port in were.get(c.id, ()))
    ]
    heard = ports_heard(ctx, asked, before.probe) if asked else {}
    return {
        port_name(port, now[container_id]): lost_since(were[container_id], port)
        for container_id, ports in heard.items()
        for port in ports
        if answered_before(were[container_id], port)
    }


def ports_of(ran: RanBefore) -> tuple[PortHeard, ...]:
    """Return how its ports answered, also from a journal that only has `answered`."""
    if ran.ports or not ran.answered:
        return ran.ports
    return tuple(
        PortHeard(p.protocol, p.container_port, p.host_port, p.host_ip, host=OPEN)
        for p in ran.publishes
        if p.protocol == "tcp" and p.container_port in ran.answered
    )


def port_name(port: PortHeard | Publish, container: Container) -> str:
    """Return a published port as people name it."""
    kind = "" if port.protocol == "tcp" else f"{port.protocol} "
    where = "" if port.host_ip is None or port.host_ip.is_unspecified else f"{port.host_ip}:"
    return f"{kind}port {where}{port.host_port} of {container.name}"
