"""Which subnets a host has to do with, out of its observation. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from attrs import frozen

from netops.engine.layers import default_bridge
from netops.engine.observed import Observed

DOCKER0, DOCKER, ADDRESS, ROUTE = "docker0", "docker", "address", "route"
# A host with a full routing table is not worth a table of its own: what is shown is a summary.
MOST = 200
_NAME, _CLASH = 64, 100


@frozen
class SubnetUse:
    """A subnet and what a host has it for: docker0, another Docker network, an address of its
    own, a route. `name` is Docker's network or the link; `clash` what else on the same host
    overlaps it ("" when nothing does)."""

    subnet: IPv4Network
    use: str
    name: str
    clash: str = ""


def subnet_uses(observed: Observed) -> tuple[SubnetUse, ...]:
    """Return what a host uses, containers' subnets first, each once, at most MOST."""
    inside = list(dict.fromkeys(_of_containers(observed)))
    outside = list(dict.fromkeys(_of_host(observed)))
    told = [
        SubnetUse(u.subnet, u.use, u.name[:_NAME], _clash(u, inside, outside)[:_CLASH])
        for u in inside
    ]
    return tuple([*told, *outside][:MOST])


def _of_containers(observed: Observed) -> Iterator[SubnetUse]:
    bridge = default_bridge(observed)
    for interface in observed.addresses_of(bridge):
        yield SubnetUse(interface.network, DOCKER0, "bridge")
    for network in observed.networks:
        use = DOCKER0 if network.name == "bridge" else DOCKER
        for subnet in network.subnets:
            yield SubnetUse(subnet, use, network.name)


def _of_host(observed: Observed) -> Iterator[SubnetUse]:
    bridges = {n.bridge for n in observed.networks if n.bridge} | {default_bridge(observed)}
    connected = set()
    for address in observed.addresses:
        if address.link not in bridges and not address.interface.is_loopback:
            connected.add((address.link, address.interface.network))
            yield SubnetUse(address.interface.network, ADDRESS, address.link[:_NAME])
    for route in observed.routes:
        # The halves 0.0.0.0/1 and 128.0.0.0/1 are how VPN clients replace the default route.
        if route.destination.prefixlen < 2 or route.link in bridges:
            continue
        if route.destination.is_loopback or (route.link, route.destination) in connected:
            continue
        yield SubnetUse(route.destination, ROUTE, route.link[:_NAME])


def _clash(use: SubnetUse, inside: list[SubnetUse], outside: list[SubnetUse]) -> str:
    """What of the host itself, or of another Docker network, shares addresses with it."""
    for other in outside:
        if other.subnet.overlaps(use.subnet):
            return f"{other.subnet} {other.name}".strip()
    for other in inside:
        if other.name != use.name and other.subnet.overlaps(use.subnet):
            return f"{other.subnet} {other.name}"
    return ""
