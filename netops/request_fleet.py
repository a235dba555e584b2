"""What other hosts have of a subnet that somebody wants, in sentences."""

from __future__ import annotations

from ipaddress import IPv4Network

from django.utils.translation import ngettext

from hosts.map_selectors import others_with
from hosts.models import Host


def fleet_notes(host: Host | None, subnet: IPv4Network) -> tuple[str, ...]:
    """Return what a person should know of the rest of the fleet, one query.

    Only other hosts' own networks are told: two hosts may well have the same subnet for their
    containers, whose addresses are seen on no other host.
    """
    found = others_with(host_id=host.pk if host else "", subnet=subnet)
    if not found:
        return ()
    number, first = found
    said = ngettext(
        "%(first)s itself has an address in %(subnet)s: from the host with these containers it "
        "could no longer be reached.",
        "%(n)d hosts of the fleet, %(first)s first, have addresses in %(subnet)s themselves: from "
        "the host with these containers they could no longer be reached.",
        number,
    )
    return (said % {"n": number, "first": first, "subnet": subnet},)
