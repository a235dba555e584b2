"""The host as it ran before a change: what must run again, on success and after a rollback."""

from __future__ import annotations

import os
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from attrs import field, frozen

from netops.engine.context import Context
from netops.engine.observed import Container, Endpoint, Publish, Route
from netops.engine.ports import HostPorts
from netops.engine.published import PortHeard, ports_heard
from netops.engine.serial import from_json

KIND = "remember"
BRIDGE = "docker0"
LOOPBACK = IPv4Address("127.0.0.1")
REACH_S, REACH_ALL_S = 0.5, 10.0


@frozen
class RanBefore:
    """A container that ran. `reaches`: it had an answer from outside; `ports`: how its published
    ports answered; `answered`: in journals of before `ports` was kept, its TCP ports (container
    side) that could be connected to from the host.
    """

    id: str
    name: str
    image: str
    network_mode: str
    restart_policy: str
    paused: bool
    restarting: bool
    auto_remove: bool
    endpoints: tuple[Endpoint, ...]
    publishes: tuple[Publish, ...]
    reaches: bool
    answered: tuple[int, ...] = ()
    labels: dict[str, str] = field(factory=dict)
    ports: tuple[PortHeard, ...] = ()

    @property
    def must_run(self) -> bool:
        """False for what cannot be promised: --rm, or in a loop of restarts already."""
        return not (self.auto_remove or self.restarting)

    def loses_address(self, old: IPv4Network, gateway: IPv4Address) -> bool:
        """True if it publishes on an address of `old` that is not docker0's own afterwards."""
        hosts = {p.host_ip for p in self.publishes if p.host_ip is not None and p.host_ip in old}
        return bool(hosts - {gateway})

    def endpoint(self, network: str) -> Endpoint | None:
        """Return its endpoint in the Docker network of that name, None when it has none."""
        return next((e for e in self.endpoints if e.network == network), None)


@frozen
class Before:
    """What was remembered. `interface`: docker0's address in the subnet that Docker believes in;
    `addresses`: all of docker0's, in the kernel's order; `target`: who was asked for an answer;
    `host_reaches`: the host itself had one, when any container had; `routes`: those through docker0
    that the kernel did not make itself, and which go when docker0 is set down.
    """

    interface: IPv4Interface
    addresses: tuple[IPv4Interface, ...]
    bridge_up: bool
    daemon_pid: int | None
    target: IPv4Address | None
    probe: IPv4Address
    containers: tuple[RanBefore, ...]
    host_reaches: bool = False
    routes: tuple[Route, ...] = ()


def before_of(ctx: Context) -> Before:
    """Return what the step `remember` of this job saved."""
    return from_json(Before, ctx.memory[KIND])


def take(ctx: Context, interface: IPv4Interface) -> Before:
    """Return what runs now and what of it answers; takes up to some ten seconds."""
    netlink = ctx.ports.netlink
    addresses = netlink.addresses()
    links = {link.name: link for link in netlink.links()}
    bridges = {n.bridge for n in ctx.ports.docker.networks() if n.bridge}
    own = [
        a.interface.ip
        for a in addresses
        if a.link not in bridges and not a.interface.ip.is_loopback and a.scope == "global"
    ]
    target = next(iter(targets_of(ctx)), None)
    probe = own[0] if own else LOOPBACK
    containers = _containers(ctx, target, probe)
    reached = any(ran.reaches for ran in containers)
    return Before(
        interface=interface,
        addresses=tuple(a.interface for a in addresses if a.link == BRIDGE),
        bridge_up=BRIDGE in links and links[BRIDGE].up,
        daemon_pid=ctx.ports.docker.daemon().pid,
        target=target,
        probe=probe,
        containers=containers,
        host_reaches=reached and host_reaches_out(ctx.ports, target, REACH_S),
        routes=own_routes(netlink.routes()),
    )


def own_routes(routes: Iterable[Route]) -> tuple[Route, ...]:
    """Return those through docker0 that somebody added, and that nobody else would add again."""
    return tuple(r for r in routes if r.link == BRIDGE and r.protocol != "kernel")


def targets_of(ctx: Context) -> list[IPv4Address]:
    """Return who is outside: the site if it is another machine, then the host's default gateway."""
    own = {a.interface.ip for a in ctx.ports.netlink.addresses()}
    site = [a for a in ctx.controller.addresses if not a.is_loopback and a not in own]
    gateways = [
        route.gateway
        for route in ctx.ports.netlink.routes()
        if route.destination.prefixlen == 0 and route.table == 254 and route.gateway is not None
    ]
    return site[:1] + gateways[:1]


def _containers(
    ctx: Context, target: IPv4Address | None, probe: IPv4Address
) -> tuple[RanBefore, ...]:
    end = ctx.clock.monotonic() + REACH_ALL_S
    containers = [c for c in ctx.ports.docker.containers() if c.running]
    heard = ports_heard(ctx, containers, probe)
    ran = []
    for c in sorted(containers, key=lambda c: c.name):
        in_time = ctx.clock.monotonic() < end
        reaches = in_time and reaches_out(ctx.ports, c, target, REACH_S)
        ran.append(ran_of(c, reaches, heard.get(c.id, ())))
    return tuple(ran)


def ran_of(c: Container, reaches: bool = False, ports: tuple[PortHeard, ...] = ()) -> RanBefore:
    """Return a running container as a job remembers it."""
    return RanBefore(
        id=c.id,
        name=c.name,
        image=c.image,
        network_mode=c.network_mode,
        restart_policy=c.restart_policy,
        paused=c.state == "paused",
        restarting=c.looping,
        auto_remove=c.auto_remove,
        endpoints=c.endpoints,
        publishes=c.publishes,
        reaches=reaches,
        labels=c.labels,
        ports=ports,
    )


def has_own_network(container: Container | RanBefore) -> bool:
    """True if it has a network namespace of its own with a network in it."""
    mode = container.network_mode
    return mode not in ("host", "none") and not mode.startswith("container:")


def reaches_out(
    ports: HostPorts, container: Container, target: IPv4Address | None, timeout_s: float
) -> bool:
    """True if `target` answers an ICMP echo from the container's network namespace."""
    if target is None or container.pid <= 0 or not has_own_network(container):
        return False
    return ports.netlink.reaches(container.pid, target, timeout_s)


def host_reaches_out(ports: HostPorts, target: IPv4Address | None, timeout_s: float) -> bool:
    """True if `target` answers an ICMP echo of the host itself."""
    return target is not None and ports.netlink.reaches(os.getpid(), target, timeout_s)
