"""Findings about the containers that published ports lead to."""

from __future__ import annotations

from collections.abc import Iterator

from netops.engine.desired_nat import NatPublish
from netops.engine.findings.nat_case import NatCase, blocker, warning
from netops.engine.plan import Finding


def targets(case: NatCase) -> Iterator[Finding]:
    """A published port leads to a container of the subnet."""
    subnet = case.desired.subnet
    ends = (subnet.network_address, subnet.broadcast_address)
    for publish in case.desired.publish:
        if publish.to is None:
            yield from _named(case, publish)
            continue
        gateway = case.gateway is not None and publish.to == case.gateway.ip
        if publish.to not in subnet or publish.to in ends or gateway:
            message = (
                f"{publish.to} is not an address that a container of {subnet} can have; the port "
                f"{publish.l4_port} would lead nowhere."
            )
            yield blocker("target-outside-subnet", message, publish.text)
        yield from _not_fixed(case, publish)


def _named(case: NatCase, publish: NatPublish) -> Iterator[Finding]:
    """A name leads to an address only while its container runs in the subnet."""
    subnet = case.desired.subnet
    name, place = publish.container, case.places.place(publish.container, subnet)
    if place is not None and place.ipv4 is not None:
        return
    if place is not None:
        message = f"{name} has no address in {subnet} now ({place.state}). Run: docker start {name}"
    else:
        there = sorted({p.container for p in case.places.inhabitants(subnet) if p.ipv4})
        message = (
            f"No container {name} is in the network of {subnet}; there are "
            f"{', '.join(there) or 'none'}."
        )
    yield blocker("publish-container-unknown", message, publish.text)


def _not_fixed(case: NatCase, publish: NatPublish) -> Iterator[Finding]:
    """Docker gives addresses in the order of starts: the next start may give it to another."""
    assert publish.to is not None
    holder = case.places.holder(publish.to, case.desired.subnet)
    if holder is None or holder.fixed:
        return
    message = (
        f"{holder.container} has {publish.to} from Docker, which may give it to another container "
        f"at a restart. Publish port {publish.l4_port} to the container by name: "
        f"{holder.container}:{publish.to_port}."
    )
    yield warning("publish-address-not-fixed", message, publish.text)
