"""The next free range for a host: around all that is known to be in use anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from attrs import frozen

from hosts.map_selectors import networks_in_use
from hosts.models import Host
from hosts.selectors import fleet_subnets, reserved_networks
from netops.engine.observed import Observed
from netops.engine.sizing import next_free, prefixlen_for, room_for_containers
from netops.selectors import subnets_asked_for


@frozen
class Proposal:
    """A prefix length with `room` for containers, and the first free range of that size."""

    prefixlen: int
    room: int
    subnet: IPv4Network | None


def proposal_for(*, host: Host | None, containers: int) -> Proposal:
    """Return a range with room for that many containers.

    Raises ValueError where no private range is large enough or `containers` is below 1.
    """
    prefixlen = prefixlen_for(containers)
    return Proposal(prefixlen, room_for_containers(prefixlen), next_free(prefixlen, taken(host)))


def taken(host: Host | None) -> list[IPv4Network]:
    """Return what is in use: on this host, in the fleet (by containers or as the hosts' own
    networks), reserved, or asked for."""
    networks = [network for network, _ in reserved_networks()]
    networks += networks_in_use() + _read(fleet_subnets()) + _read(subnets_asked_for())
    observed = host.observation if host else None
    return networks + list(_on_host(observed)) if observed else networks


def _read(texts: list[str]) -> list[IPv4Network]:
    networks = []
    for text in texts:
        try:
            networks.append(IPv4Network(text))
        except ValueError:
            continue
    return networks


def _on_host(observed: Observed) -> Iterator[IPv4Network]:
    for address in observed.addresses:
        yield address.interface.network
    for route in observed.routes:
        if route.destination.prefixlen:
            yield route.destination
    for network in observed.networks:
        yield from network.subnets
    for resolver in observed.resolvers:
        yield IPv4Network(resolver.address)
    for site in observed.controller.addresses:
        yield IPv4Network(site)
