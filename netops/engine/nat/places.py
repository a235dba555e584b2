"""Where Docker has its networks and containers: what a NAT setting follows. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from attrs import frozen

from netops.engine.observed import DockerNetwork, Observed


@frozen
class Place:
    """A container in one Docker network. `state` as Docker says it; `ipv4` None while it has no
    address there; `fixed`: it asked for that address itself."""

    container: str
    network: str
    state: str
    ipv4: IPv4Address | None = None
    fixed: bool = False


@frozen
class Places:
    """Docker's networks, and each container's place in each of its networks."""

    networks: tuple[DockerNetwork, ...] = ()
    containers: tuple[Place, ...] = ()

    def network(self, subnet: IPv4Network) -> DockerNetwork | None:
        """Return the bridge network that has the subnet, None if none has."""
        return next((n for n in self.networks if n.bridge and subnet in n.subnets), None)

    def place(self, container: str, subnet: IPv4Network) -> Place | None:
        """Return the place of a container in the network of a subnet, None if it is not in it."""
        found = (place for place in self.inhabitants(subnet) if place.container == container)
        return next(found, None)

    def holder(self, address: IPv4Address, subnet: IPv4Network) -> Place | None:
        """Return the container that has an address of a subnet, None if none has."""
        return next((place for place in self.inhabitants(subnet) if place.ipv4 == address), None)

    def inhabitants(self, subnet: IPv4Network) -> tuple[Place, ...]:
        """Return the places in the network of a subnet."""
        network = self.network(subnet)
        name = network.name if network else None
        return tuple(place for place in self.containers if place.network == name)


def places_of(observed: Observed) -> Places:
    """Return the places that an observation tells."""
    return Places(
        networks=observed.networks,
        containers=tuple(
            Place(
                container=container.name,
                network=endpoint.network,
                state=container.state,
                ipv4=endpoint.ipv4,
                fixed=endpoint.static_ipv4 is not None,
            )
            for container in observed.containers
            for endpoint in container.endpoints
        ),
    )
