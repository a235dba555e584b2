"""What lists of hosts show and sort by, out of an observation. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import Any

from hosts.host_subnets import DOCKER, DOCKER0, subnet_uses
from hosts.services.clean import clean
from netops.engine.observed import Observed

OF_CONTAINERS = (DOCKER0, DOCKER)
_VERSION_LENGTH, _MANAGER_LENGTH = 64, 16

Reserved = Iterable[tuple[IPv4Network, str]]


def bridge_subnet(observed: Observed) -> str:
    """Return the default bridge's subnet: of docker0 in the kernel, else as Docker has it."""
    network = observed.network("bridge")
    link = network.bridge if network and network.bridge else "docker0"
    addresses = observed.addresses_of(link)
    if addresses:
        return str(addresses[0].network)
    return str(network.subnets[0]) if network and network.subnets else ""


def fleet_columns(observed: Observed, reserved: Reserved) -> dict[str, Any]:
    """Return the fields of `Host` that are kept beside its observation."""
    subnet = bridge_subnet(observed)
    ranges = ReservedSpans(reserved)
    return {
        "docker_version": clean(observed.daemon.version)[:_VERSION_LENGTH],
        "subnet": subnet,
        "subnet_start": int(IPv4Network(subnet).network_address) if subnet else 0,
        "container_count": sum(c.running for c in observed.containers),
        "conflict_count": sum(
            bool(use.clash) or ranges.overlap(*_ends(use.subnet))
            for use in subnet_uses(observed)
            if use.use in OF_CONTAINERS
        ),
        "service_manager": clean(observed.service.manager or "")[:_MANAGER_LENGTH],
    }


def _ends(network: IPv4Network) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)


class ReservedSpans:
    """The reserved ranges as stretches of addresses that share nothing, to be looked up fast."""

    def __init__(self, reserved: Reserved) -> None:
        self._lows: list[int] = []
        self._highs: list[int] = []
        for low, high in sorted(_ends(network) for network, _ in reserved):
            if self._highs and low <= self._highs[-1]:
                self._highs[-1] = max(high, self._highs[-1])
            else:
                self._lows.append(low)
                self._highs.append(high)

    def overlap(self, low: int, high: int) -> bool:
        """Return True if any address from `low` to `high`, both included, is reserved."""
        at = bisect_right(self._lows, high) - 1
        return at >= 0 and self._highs[at] >= low
