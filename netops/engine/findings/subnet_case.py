"""The facts that every finding about a subnet change looks at, gathered once."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv4Network

from attrs import frozen

from netops.engine.desired_subnet import DesiredSubnet
from netops.engine.observed import ConfigValue, Container, DockerNetwork, Observed
from netops.engine.plan import BLOCKER, INFO, WARNING, Finding
from netops.engine.ports import Reserved
from netops.engine.serial import Json

BRIDGE_NETWORK, BRIDGE_LINK = "bridge", "docker0"
# Keys of daemon.json that decide about docker0's addresses (dockerd(8)).
NETWORK_KEYS = ("bip", "fixed-cidr", "default-gateway", "bridge", "default-address-pools")


@frozen
class SubnetCase:
    """A host and the subnet that its default bridge shall get."""

    observed: Observed
    desired: DesiredSubnet
    reserved: Reserved = ()

    @property
    def network(self) -> DockerNetwork | None:
        """Docker's default bridge network, None where Docker has none."""
        return self.observed.network(BRIDGE_NETWORK)

    @property
    def old_subnet(self) -> IPv4Network | None:
        """The subnet that Docker believes its default bridge has."""
        return self.network.subnets[0] if self.network and self.network.subnets else None

    @property
    def old_interface(self) -> IPv4Interface | None:
        """docker0's address in the old subnet as the kernel has it, else as Docker says."""
        if self.old_subnet is None or self.network is None:
            return None
        for interface in self.observed.addresses_of(BRIDGE_LINK):
            if interface.network == self.old_subnet:
                return interface
        if self.network.gateway is None:
            return None
        return IPv4Interface((self.network.gateway, self.old_subnet.prefixlen))

    @property
    def docker_links(self) -> frozenset[str]:
        """Names of the links that are bridges of Docker networks, docker0 among them."""
        return frozenset(n.bridge for n in self.observed.networks if n.bridge) | {BRIDGE_LINK}

    @property
    def running(self) -> tuple[Container, ...]:
        """Every container that runs, of every network, by name."""
        return tuple(sorted((c for c in self.observed.containers if c.running), key=_name))

    @property
    def on_bridge(self) -> tuple[Container, ...]:
        """Running containers that have an address of the default bridge, by name."""
        return tuple(c for c in self.running if c.endpoint(BRIDGE_NETWORK))

    @property
    def started_by_docker(self) -> tuple[Container, ...]:
        """Stopped containers that dockerd starts at its next start all the same, by name.

        Policy "always" does not remember that somebody stopped the container by hand
        (moby restartmanager, ShouldRestart).
        """
        stopped = (c for c in self.observed.containers if not c.running)
        return tuple(
            sorted((c for c in stopped if c.restart_policy == "always" and c.endpoints), key=_name)
        )

    def setting(self, key: str) -> ConfigValue | None:
        """Return dockerd's setting in force, None if unset or empty."""
        value = self.observed.config.get(key)
        return value if value is not None and value.value not in (None, "", []) else None

    def blocker(self, code: str, message: str, subject: str = "") -> Finding:
        """Return a blocker, or a warning if the requester accepted that code."""
        severity = WARNING if code in self.desired.accept else BLOCKER
        return Finding(code, severity, message, subject)


def _name(container: Container) -> str:
    return container.name


def warning(code: str, message: str, subject: str = "") -> Finding:
    """Return a warning."""
    return Finding(code, WARNING, message, subject)


def info(code: str, message: str, subject: str = "") -> Finding:
    """Return an information."""
    return Finding(code, INFO, message, subject)


def listed(names: Iterator[str] | list[str] | tuple[str, ...], limit: int = 12) -> str:
    """Return names as a person lists them: "a, b and c", the rest as a number."""
    items = list(names)
    if len(items) > limit:
        return f"{', '.join(items[:limit])} and {len(items) - limit} more"
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def network_of(value: Json) -> IPv4Network | None:
    """Return a setting's value as a network, None if it is not one."""
    try:
        return IPv4Network(value, strict=False) if isinstance(value, str) else None
    except ValueError:
        return None
