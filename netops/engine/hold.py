"""The address range that docker0 leaves, held by networks of ours while the host may go back.

Docker gives a range that is free to the next network that somebody makes, and 172.17.0.0/16 first
of all; then dockerd cannot start with the old subnet any more ("Pool overlaps"). A network of ours
keeps the range from everybody and is nothing else: it has no address, no route, no container. It
goes when the job is confirmed, and right before Docker is stopped on the way back.
"""

from __future__ import annotations

from ipaddress import IPv4Network

from netops.engine.errors import OperationFailed
from netops.engine.observed import DockerNetwork
from netops.engine.ports import HostPorts

NAME, LABEL = "dockernet-hold-", "dockernet.hold"
DEFAULT = "bridge"


def is_hold(name: str) -> bool:
    """Return whether a Docker network of that name holds a range for us."""
    return name.startswith(NAME)


def hold_name(part: IPv4Network) -> str:
    """Return the name of the Docker network that holds `part`."""
    return f"{NAME}{part.network_address}-{part.prefixlen}"


def parts_to_hold(old: IPv4Network, new: IPv4Network) -> tuple[IPv4Network, ...]:
    """Return what of `old` is free for others once docker0 has `new`."""
    if old.subnet_of(new):
        return ()
    if new.subnet_of(old):
        return tuple(sorted(old.address_exclude(new)))
    return (old,)


def range_hold(ports: HostPorts, old: IPv4Network, new: IPv4Network) -> None:
    """Hold what of `old` docker0 has left free; fine if it is held already.

    Raises OperationFailed when Docker refuses, as it does where somebody has been faster.
    """
    there = {n.name for n in ports.docker.networks()}
    for part in parts_to_hold(old, new):
        name = hold_name(part)
        if name not in there:
            ports.docker.network_hold(name, part, {LABEL: str(old)})


def range_release(ports: HostPorts) -> list[str]:
    """Remove every network that holds a range; return the names of those that stayed.

    One stays where somebody has connected a container to it. Raises OperationFailed when Docker
    does not answer.
    """
    stayed = []
    for network in ports.docker.networks():
        if is_hold(network.name):
            try:
                ports.docker.network_remove(network.id)
            except OperationFailed:
                stayed.append(network.name)
    return stayed


def range_takers(ports: HostPorts, old: IPv4Network) -> list[DockerNetwork]:
    """Return the networks of others that have addresses of `old`, so that docker0 cannot.

    Raises OperationFailed when Docker does not answer.
    """
    return [
        n
        for n in ports.docker.networks()
        if n.name != DEFAULT
        and not is_hold(n.name)
        # An overlay network's addresses come from an address space of its own.
        and n.driver != "overlay"
        and any(subnet.overlaps(old) for subnet in n.subnets)
    ]
