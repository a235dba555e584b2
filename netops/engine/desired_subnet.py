"""What a person asks for with a change of kind "subnet"."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import ClassVar

from attrs import frozen

from netops.engine.serial import Json
from netops.engine.spec_reader import SpecReader

KIND = "subnet"
FIELDS = ("network", "subnet", "gateway", "accept")
ACCEPTABLE = ("host-ip-bound", "overlaps-route", "removes-container", "swarm-node")
LONGEST_PREFIX = 30


@frozen
class DesiredSubnet:
    """The default bridge of a host, as it shall be: its subnet and docker0's own address in it.

    `accept` are the finding codes that the requester takes the risk of, sorted.
    """

    kind: ClassVar[str] = KIND
    subnet: IPv4Network
    gateway: IPv4Address
    accept: tuple[str, ...] = ()
    network: str = "bridge"

    @property
    def interface(self) -> IPv4Interface:
        """The gateway with the subnet's prefix length: what docker0 and `bip` get."""
        return IPv4Interface((self.gateway, self.subnet.prefixlen))

    def to_spec(self) -> dict[str, Json]:
        """Return the specification in full; parsing it gives an equal DesiredSubnet."""
        return {
            "network": self.network,
            "subnet": str(self.subnet),
            "gateway": str(self.gateway),
            "accept": list(self.accept),
        }


def parse(spec: object) -> DesiredSubnet:
    """Return what `spec` (contract: network, subnet, gateway?, accept?) asks for.

    The gateway is the subnet's first host address where none is given. Raises SpecInvalid with
    every fault found.
    """
    reader = SpecReader(spec)
    network = reader.text("network", required=True)
    if network is not None and network != "bridge":
        message = "Only “bridge”, Docker's default network on docker0, can be changed."
        reader.fault("network", "network-unsupported", message)
    subnet = reader.subnet("subnet", longest=LONGEST_PREFIX)
    gateway = reader.address("gateway")
    if subnet is not None and gateway is not None:
        _check_gateway(reader, subnet, gateway)
    accept = reader.names("accept", ACCEPTABLE, code="accept-unknown")
    reader.finish(FIELDS)
    assert subnet is not None
    return DesiredSubnet(subnet=subnet, gateway=gateway or subnet[1], accept=accept)


def _check_gateway(reader: SpecReader, subnet: IPv4Network, gateway: IPv4Address) -> None:
    hosts = f"{subnet[1]} to {subnet[-2]}"
    if gateway not in subnet:
        message = f"{gateway} is not in {subnet}; the gateway is one of {hosts}."
        reader.fault("gateway", "gateway-outside", message)
    elif gateway == subnet.network_address:
        message = (
            f"{gateway} is the address of the network {subnet} itself; dockerd refuses to start "
            f"with it. The gateway is one of {hosts}."
        )
        reader.fault("gateway", "gateway-is-network", message)
    elif gateway == subnet.broadcast_address:
        message = f"{gateway} is the broadcast address of {subnet}; the gateway is one of {hosts}."
        reader.fault("gateway", "gateway-is-broadcast", message)
