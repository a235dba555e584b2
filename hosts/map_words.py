"""The words of the map of addresses."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network

from attrs import frozen
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from hosts.address_map import (
    CONFLICT,
    FREE,
    PLANNED,
    RESERVED,
    ROUTE,
    USED,
    Cell,
    Conflict,
)
from hosts.map_selectors import Group

STATES: dict[str, Promise] = {
    FREE: pgettext_lazy("addresses", "free"),
    ROUTE: gettext_lazy("reached by a route"),
    RESERVED: gettext_lazy("reserved"),
    PLANNED: gettext_lazy("asked for by a change"),
    USED: gettext_lazy("in use"),
    CONFLICT: gettext_lazy("conflict"),
}
LEGEND = list(STATES.items())
USES: dict[str, Promise] = {
    "docker0": gettext_lazy("docker0"),
    "docker": gettext_lazy("Docker network"),
    "address": gettext_lazy("the hosts' own network"),
    "route": gettext_lazy("reached by a route"),
    "asked": gettext_lazy("asked for by a change"),
    "reserved": gettext_lazy("reserved"),
}


@frozen
class MapRow:
    """A line of the table that says what the map shows; `label` is the team's word for it."""

    subnet: str
    low: int
    high: int
    use: str
    words: Promise
    hosts: int = 0
    first: str = ""
    label: str = ""
    conflict: bool = False


def cell_words(cell: Cell) -> str:
    """Return what a block of the map is, in one line."""
    told = {"network": cell.network, "state": STATES[cell.state], "what": cell.what}
    if not cell.what or cell.what == str(cell.network):
        return _("%(network)s: %(state)s") % told
    if cell.whole:
        return _("%(network)s: %(state)s (%(what)s)") % told
    return _("%(network)s: partly %(state)s (%(what)s)") % told


def map_rows(
    groups: Iterable[Group],
    reserved: Iterable[tuple[IPv4Network, str]],
    conflicts: Iterable[Conflict],
) -> list[MapRow]:
    """Return the lines of the table, by address, larger ranges first."""
    wrong = {(c.group.subnet, c.group.use) for c in conflicts}
    rows = [
        MapRow(
            g.subnet,
            g.low,
            g.high,
            g.use,
            USES[g.use],
            hosts=g.hosts,
            first=g.first,
            conflict=(g.subnet, g.use) in wrong,
        )
        for g in groups
    ]
    rows += [
        MapRow(
            str(n),
            int(n.network_address),
            int(n.broadcast_address),
            RESERVED,
            USES[RESERVED],
            label=label,
        )
        for n, label in reserved
    ]
    return sorted(rows, key=lambda r: (r.low, -r.high, r.use))
