"""Read a whole host into one `Observed`, whatever state it is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import attrs

from netops.engine.errors import DockernetError
from netops.engine.nat_setting import NatState
from netops.engine.observed import (
    Address,
    BridgePort,
    Container,
    Controller,
    DaemonConfig,
    DockerDaemon,
    DockerNetwork,
    Endpoint,
    Firewall,
    Link,
    Observed,
    Resolver,
    ServiceState,
)
from netops.engine.ports import HostFacts, HostPorts, Inside

T = TypeVar("T")


class _Reader:
    """Runs the readings one by one; one that fails gives its empty value and a problem."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def read(self, what: str, work: Callable[[], T], empty: Any) -> T:
        try:
            return work()
        except (DockernetError, OSError) as error:
            self.problems.append(f"{what}: {error}")
            return cast(T, empty)


def observe(ports: HostPorts, controller: Controller) -> Observed:
    """Return what this host is now.

    Never raises for a host in a bad state: what cannot be read is empty, and `problems` has a
    sentence for it. The controller's link is looked up when only its addresses are known.
    """
    reader, netlink = _Reader(), ports.netlink
    manager = ports.service.manager
    facts = reader.read("Facts", ports.facts.read, HostFacts("", "", "", False, ()))
    service = reader.read("Service", ports.service.state, ServiceState(manager, False))
    dependents = reader.read("Dependent units", ports.service.dependents, ())
    service = attrs.evolve(service, dependents=dependents)
    config = reader.read(
        "Configuration", lambda: ports.config.observe(service), DaemonConfig("", None)
    )
    daemon = reader.read("Docker", ports.docker.daemon, DockerDaemon(running=False))
    networks = reader.read("Networks", ports.docker.networks, ()) if daemon.running else ()
    containers = reader.read("Containers", ports.docker.containers, ()) if daemon.running else ()
    # The kernel is read last and at once, so that what Docker just said still holds.
    links = reader.read("Links", netlink.links, ())
    addresses = reader.read("Addresses", netlink.addresses, ())
    routes = reader.read("Routes", netlink.routes, ())
    pids = [c.pid for c in containers if c.running and c.pid]
    inside = reader.read("Container namespaces", lambda: netlink.inside(pids), {})
    containers = tuple(with_kernel(_reported(c), inside.get(c.pid), links) for c in containers)
    firewall = reader.read("Firewall", ports.firewall.observe, Firewall(""))
    nat = reader.read("NAT settings", ports.nat.read, NatState())
    if controller.addresses and not controller.link:
        link = reader.read("Controller", lambda: netlink.link_to(controller.addresses[0]), "")
        controller = attrs.evolve(controller, link=link)
    return Observed(
        at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        hostname=facts.hostname,
        kernel=facts.kernel,
        boot_id=facts.boot_id,
        daemon=daemon,
        config=config,
        service=service,
        firewall=firewall,
        controller=controller,
        links=links,
        addresses=addresses,
        routes=routes,
        ports=bridge_ports(links, containers),
        networks=tuple(with_gateway(n, addresses) for n in networks),
        containers=containers,
        resolvers=tuple(Resolver(address, path) for address, path in facts.resolvers),
        ip_forward=facts.ip_forward,
        listeners=facts.listeners,
        nat=nat,
        problems=(*_problems(daemon, service, config), *reader.problems),
    )


def _reported(container: Container) -> Container:
    """Leave out what changes by itself all the time, or matters to a job alone."""
    return attrs.evolve(container, labels={}, manually_stopped=None, finished_at="", health="")


def with_kernel(
    container: Container, inside: Inside | None, links: Mapping[int, Link] | tuple[Link, ...]
) -> Container:
    """Return the container with what the kernel shows of its network: addresses and veths.

    The veth of an endpoint is the host's link whose index is IFLA_LINK of the container's link
    with the endpoint's MAC: that index is unique on the host, those inside containers are not.
    """
    if inside is None:
        return container
    hosts = links if isinstance(links, Mapping) else {link.index: link for link in links}
    return attrs.evolve(
        container,
        endpoints=tuple(_with_veth(e, inside, hosts) for e in container.endpoints),
        kernel_ipv4=tuple(a.interface for a in inside.addresses),
    )


def _with_veth(endpoint: Endpoint, inside: Inside, hosts: Mapping[int, Link]) -> Endpoint:
    own = next((link for link in inside.links if endpoint.mac and link.mac == endpoint.mac), None)
    peer = hosts.get(own.peer_index) if own and own.peer_index else None
    return attrs.evolve(endpoint, veth=peer.name if peer and peer.kind == "veth" else "")


def with_gateway(network: DockerNetwork, addresses: tuple[Address, ...]) -> DockerNetwork:
    """Return the network with its gateway, which Docker 20.10 does not record without a bip.

    It is the bridge's own address then (moby libnetwork/drivers/bridge/setup_ipv4*.go).
    """
    if network.gateway or not network.bridge:
        return network
    own = (a.interface.ip for a in addresses if a.link == network.bridge)
    inside = (ip for ip in own if any(ip in subnet for subnet in network.subnets))
    return attrs.evolve(network, gateway=next(inside, None))


def bridge_ports(
    links: tuple[Link, ...], containers: tuple[Container, ...]
) -> tuple[BridgePort, ...]:
    """Return the ports of all bridges, with the container behind each veth."""
    bridges = {link.name for link in links if link.kind == "bridge"}
    behind = {e.veth: c.name for c in containers for e in c.endpoints if e.veth}
    return tuple(
        BridgePort(link.master, link.name, behind.get(link.name, ""))
        for link in links
        if link.master in bridges
    )


def _problems(daemon: DockerDaemon, service: ServiceState, config: DaemonConfig) -> list[str]:
    found = []
    if not daemon.running:
        state = "active" if service.active else "stopped"
        found.append(f"Docker does not answer; its service is {state}.")
    elif not service.active:
        found.append(
            f"dockerd runs (pid {daemon.pid}), but the {service.manager} service did not start it."
        )
    if config.error:
        found.append(f"{config.path}: {config.error}")
    if config.conflicts:
        keys = ", ".join(config.conflicts)
        found.append(f"Set in {config.path} and as a flag, so that dockerd cannot start: {keys}.")
    return [*found, *config.notes]
