"""Where the ports of a wished NAT lead now, in sentences. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address

from django.utils.translation import ngettext

from netops.engine.desired import Desired
from netops.engine.desired_nat import DesiredNat
from netops.engine.observed import Observed


def target_notes(desired: Desired, observed: Observed) -> tuple[str, ...]:
    """Return a sentence for each address that ports are to lead to and no container has.

    A note and no finding: the container may well come later, and the rules wait for it.
    """
    if not isinstance(desired, DesiredNat):
        return ()
    had = _addresses(observed)
    ports: dict[IPv4Address, list[str]] = {}
    for publish in desired.publish:
        if publish.to is not None and publish.to not in had:
            ports.setdefault(publish.to, []).append(f"{publish.l4_port}/{publish.protocol}")
    return tuple(_note(address, names) for address, names in ports.items())


def _addresses(observed: Observed) -> set[IPv4Address]:
    told = {e.ipv4 for c in observed.containers for e in c.endpoints if e.ipv4 is not None}
    return told | {i.ip for c in observed.containers for i in c.kernel_ipv4}


def _note(address: IPv4Address, ports: list[str]) -> str:
    return ngettext(
        "No container has %(address)s now: port %(ports)s leads nowhere until one has.",
        "No container has %(address)s now: ports %(ports)s lead nowhere until one has.",
        len(ports),
    ) % {"address": address, "ports": ", ".join(ports)}
