"""Is the new subnet already something else, on this host or for the team?"""

from __future__ import annotations

from collections.abc import Iterator

from netops.engine.findings.subnet_case import SubnetCase, network_of
from netops.engine.observed import Address, Route
from netops.engine.plan import Finding

OTHER_SUBNET = "Choose another subnet"


def docker_networks(case: SubnetCase) -> Iterator[Finding]:
    """dockerd refuses to start when two of its networks share addresses."""
    for network in case.observed.networks:
        for subnet in network.subnets:
            if network.name != "bridge" and subnet.overlaps(case.desired.subnet):
                message = (
                    f"Docker's network {network.name} has {subnet}, which overlaps "
                    f"{case.desired.subnet}; dockerd would not start. {OTHER_SUBNET}, or remove "
                    f"that network first if nobody needs it (docker network rm {network.name})."
                )
                yield case.blocker("overlaps-docker-network", message, network.name)


def overlapping_addresses(case: SubnetCase) -> list[Address]:
    """Return the addresses of the host, Docker's bridges aside, whose network overlaps."""
    return [
        a
        for a in case.observed.addresses
        if a.link not in case.docker_links and a.interface.network.overlaps(case.desired.subnet)
    ]


def host_addresses(case: SubnetCase) -> Iterator[Finding]:
    """The host itself would lose its network, or containers theirs."""
    for address in overlapping_addresses(case):
        message = (
            f"This host has {address.interface} on {address.link}, which overlaps "
            f"{case.desired.subnet}; the host would no longer reach that network. {OTHER_SUBNET}."
        )
        yield case.blocker("overlaps-host-address", message, str(address.interface))


def overlapping_routes(case: SubnetCase) -> list[Route]:
    """Return routes of any table to a part of the new subnet that others made.

    Default routes do not count (nor the halves 0.0.0.0/1 and 128.0.0.0/1 by which VPN clients
    replace one), nor what Docker's own bridges hold, nor the connected route of an address that
    is found by itself.
    """
    own = {(a.link, a.interface.network) for a in overlapping_addresses(case)}
    return [
        r
        for r in case.observed.routes
        if r.destination.prefixlen > 1
        and r.link not in case.docker_links
        and (r.link, r.destination) not in own
        and r.destination.overlaps(case.desired.subnet)
    ]


def routes(case: SubnetCase) -> Iterator[Finding]:
    """The more specific of two overlapping routes takes the other's packets."""
    seen = set()
    for route in overlapping_routes(case):
        via = f" via {route.gateway}" if route.gateway else ""
        dev = f" on {route.link}" if route.link else ""
        name = f"{route.destination}{via}{dev}"
        if name in seen:
            continue
        seen.add(name)
        message = (
            f"This host has a route to {name}, which overlaps {case.desired.subnet}; one of the "
            f"two would lose its packets. {OTHER_SUBNET}, or accept this risk if nothing "
            f"in {case.desired.subnet} is needed from this host."
        )
        yield case.blocker("overlaps-route", message, str(route.destination))


def dns(case: SubnetCase) -> Iterator[Finding]:
    """A DNS server inside the new subnet would be looked for among the containers."""
    for resolver in case.observed.resolvers:
        if resolver.address in case.desired.subnet:
            message = (
                f"The DNS server {resolver.address} ({resolver.path}) is inside "
                f"{case.desired.subnet}; names would no longer resolve. {OTHER_SUBNET}, or "
                "give the host a name server outside of it."
            )
            yield case.blocker("overlaps-dns", message, str(resolver.address))


def controller(case: SubnetCase) -> Iterator[Finding]:
    """The host could not report to the site any more."""
    for address in case.observed.controller.addresses:
        if address in case.desired.subnet:
            message = (
                f"This Dockernet site is at {address}, inside {case.desired.subnet}; the host "
                f"would lose it. {OTHER_SUBNET}."
            )
            yield case.blocker("overlaps-controller", message, str(address))


def reserved(case: SubnetCase) -> Iterator[Finding]:
    """Ranges that the team keeps for something else."""
    for subnet, label in case.reserved:
        if subnet.overlaps(case.desired.subnet):
            message = (
                f"{subnet} is reserved for {label or 'something else'} and overlaps "
                f"{case.desired.subnet}. {OTHER_SUBNET}, or ask an administrator of this site."
            )
            yield case.blocker("overlaps-reserved", message, str(subnet))


def names_old_subnet(rule: str, case: SubnetCase) -> bool:
    """True if a firewall rule names an address or a network inside the old subnet."""
    if case.old_subnet is None:
        return False
    for word in rule.replace(",", " ").replace("=", " ").replace(":", " ").split():
        network = network_of(word.strip("!")) if "." in word else None
        if network is not None and network.subnet_of(case.old_subnet):
            return True
    return False
