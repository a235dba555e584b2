"""The default bridge's subnet in each of the four layers that must agree."""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv4Network

from attrs import frozen

from netops.engine.observed import Container, Observed

DEFAULT_NETWORK = "bridge"
DEFAULT_BRIDGE = "docker0"


@frozen
class Layers:
    """The default bridge's subnet as configured (None: Docker chooses), as Docker has it on
    record (None: it has none or does not answer), on the bridge, and inside the containers.
    """

    configured: IPv4Network | None
    docker: IPv4Network | None
    kernel: tuple[IPv4Network, ...]
    containers: tuple[IPv4Network, ...]

    @property
    def agree(self) -> bool:
        """True when Docker's record, the bridge and each container have one and the same subnet.

        A layer that leaves it open (no bip, no running container) agrees with any.
        """
        return (
            self.docker is not None
            and self.kernel == (self.docker,)
            and self.configured in (None, self.docker)
            and all(subnet == self.docker for subnet in self.containers)
        )


def layers_of(observed: Observed) -> Layers:
    """Return the four layers of the default bridge network of a host."""
    network = observed.network(DEFAULT_NETWORK)
    bridge = default_bridge(observed)
    subnets = network.subnets if network else ()
    inside = {a.network for c in observed.containers for a in default_addresses(c)}
    return Layers(
        configured=configured_subnet(observed),
        docker=subnets[0] if subnets else None,
        kernel=tuple(a.network for a in observed.addresses_of(bridge)),
        containers=tuple(sorted(inside)),
    )


def default_bridge(observed: Observed) -> str:
    """Return the default network's link: Docker's word, else the setting, else docker0."""
    network = observed.network(DEFAULT_NETWORK)
    if network and network.bridge:
        return network.bridge
    setting = observed.config.get("bridge")
    name = setting.value if setting else ""
    return name if isinstance(name, str) and name not in ("", "none") else DEFAULT_BRIDGE


def configured_subnet(observed: Observed) -> IPv4Network | None:
    """Return the subnet of the `bip` in force, None when it is not set or is no address."""
    setting = observed.config.get("bip")
    try:
        return IPv4Interface(str(setting.value)).network if setting else None
    except ValueError:
        return None


def default_addresses(container: Container) -> tuple[IPv4Interface, ...]:
    """Return the addresses that a container really has on the default bridge.

    Those of its namespace that no other of its networks accounts for, so that a stray one shows.
    """
    if container.endpoint(DEFAULT_NETWORK) is None:
        return ()
    others = {e.ipv4 for e in container.endpoints if e.network != DEFAULT_NETWORK}
    return tuple(a for a in container.kernel_ipv4 if a.ip not in others)
