"""How packets of a bridge leave the host: by which links, and with which source. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

from attrs import frozen

from hosts.nat import NatSection
from hosts.picture import MAIN_TABLE, Bridge
from netops.engine.observed import Observed

GOOD, BAD, UNKNOWN, NONE = "good", "bad", "unknown", "none"


@frozen
class Uplink:
    """A link that a default route leaves by, its addresses and the next hop (None: on the link)."""

    link: str
    addresses: tuple[IPv4Interface, ...]
    gateway: IPv4Address | None


@frozen
class WayOut:
    """`nat` is "good" (as it should be: `rule` says what), "bad", "unknown" (no audit), or "none"
    (the network is internal, or nothing was found for the bridge)."""

    uplinks: tuple[Uplink, ...]
    nat: str
    rule: str
    internal: bool


def uplinks_of(observed: Observed) -> tuple[Uplink, ...]:
    """Return the links of the default routes of the main table, each once."""
    found: dict[str, Uplink] = {}
    for route in observed.routes:
        if route.table == MAIN_TABLE and route.destination.prefixlen == 0 and route.link:
            uplink = Uplink(route.link, observed.addresses_of(route.link), route.gateway)
            found.setdefault(route.link, uplink)
    return tuple(found.values())


def way_out_of(observed: Observed, bridge: Bridge, section: NatSection) -> WayOut:
    """Return the way out of a bridge, as the audit of the host's NAT has it."""
    rows = [row for row in section.rows if row.entry.bridge == bridge.name and row.entry.network]
    if section.why_not:
        nat = UNKNOWN
    elif not rows:
        nat = NONE
    elif any(row.doubtful for row in rows):
        nat = UNKNOWN
    else:
        nat = GOOD if all(row.right for row in rows) else BAD
    wanted = dict.fromkeys(row.entry.expected for row in rows)
    return WayOut(
        uplinks=uplinks_of(observed),
        nat=nat,
        rule=", ".join(wanted),
        internal=bool(bridge.network and bridge.network.internal),
    )
