"""What a host offers for the fields of a NAT request. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from attrs import frozen

from netops.engine.errors import SpecInvalid
from netops.engine.nat_setting import NatSetting, setting_for
from netops.engine.observed import DockerNetwork, Observed

# Kind of links (ip-link(8)) that no packet leaves a host by. A veth may be one: the host may be a
# container itself. Ports of bridges have a master.
_INNER = "dummy"
_EXAMPLE = IPv4Network("192.168.225.0/24")


@frozen
class SubnetChoice:
    """A subnet of a Docker bridge."""

    subnet: IPv4Network
    network: str
    bridge: str


@frozen
class AddressChoice:
    """An address of the host itself."""

    address: IPv4Address
    link: str


@frozen
class LinkChoice:
    """A link that packets can leave by; `addresses` are its own."""

    name: str
    addresses: tuple[IPv4Address, ...]


@frozen
class NatChoices:
    """What the host has, in the order in which it says so."""

    subnets: tuple[SubnetChoice, ...] = ()
    addresses: tuple[AddressChoice, ...] = ()
    links: tuple[LinkChoice, ...] = ()


def choices_of(observed: Observed | None) -> NatChoices:
    """Return what a host offers; nothing where it was never observed."""
    if observed is None:
        return NatChoices()
    bridged = [n for n in observed.networks if n.bridge]
    links = uplinks(observed)
    names = {link.name for link in links}
    return NatChoices(
        subnets=tuple(SubnetChoice(s, n.name, n.bridge) for n in bridged for s in n.subnets),
        addresses=tuple(
            AddressChoice(a.interface.ip, a.link) for a in observed.addresses if a.link in names
        ),
        links=links,
    )


def uplinks(observed: Observed) -> tuple[LinkChoice, ...]:
    """Return the links that lead out of the host: no bridge port, no loopback, no Docker bridge."""
    bridges = {n.bridge for n in observed.networks if n.bridge}
    return tuple(
        LinkChoice(link.name, tuple(i.ip for i in observed.addresses_of(link.name)))
        for link in observed.links
        if link.name != "lo"
        and link.kind != _INNER
        and not link.master
        and link.name not in bridges
        and not (link.kind == "bridge" and link.name.startswith(("docker", "br-")))
    )


def network_with(observed: Observed, subnet: str) -> DockerNetwork | None:
    """Return the bridge network that has a subnet, None if none has."""
    bridged = (n for n in observed.networks if n.bridge)
    return next((n for n in bridged if subnet in map(str, n.subnets)), None)


def setting_of(observed: Observed | None, subnet: object) -> NatSetting | None:
    """Return the setting that a host has for a subnet as somebody typed it, None without one.

    One that was damaged counts as none.
    """
    try:
        wanted = IPv4Network(str(subnet or "").strip())
        setting = setting_for(observed.nat.settings, wanted) if observed else None
        return setting if setting and setting.subnet == wanted else None
    except (ValueError, SpecInvalid):
        return None


def examples_for(choices: NatChoices, subnet: object) -> dict[str, str]:
    """Return addresses for examples of published ports: of a container in the subnet as somebody
    typed it, and of the host."""
    try:
        wanted = IPv4Network(str(subnet or "").strip())
    except ValueError:
        wanted = choices.subnets[0].subnet if choices.subnets else _EXAMPLE
    to = wanted[10] if wanted.num_addresses > 11 else wanted[0]
    on = str(choices.addresses[0].address) if choices.addresses else "198.51.100.12"
    return {"example_to": str(to), "example_on": on}
