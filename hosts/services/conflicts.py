"""How many subnets of a host's containers overlap what they must not, kept on each host."""

from __future__ import annotations

from collections import Counter

from hosts.models import Host, HostSubnet
from hosts.selectors import reserved_networks
from hosts.services.fleet_columns import OF_CONTAINERS, ReservedSpans

_BATCH = 500


def conflicts_recount() -> int:
    """Count the conflicts of all hosts again; return how many hosts changed.

    Two queries read the fleet, whatever its size; hosts are written only where the number differs.
    Called in the transaction that changes the reserved ranges. A report that is stored at the same
    moment may count with the former ranges: the host's next report sets that right.
    """
    ranges = ReservedSpans(reserved_networks())
    rows = HostSubnet.objects.filter(use__in=OF_CONTAINERS).order_by()
    counted = Counter(
        host
        for host, low, high, clash in rows.values_list("host_id", "low", "high", "clash")
        if clash or ranges.overlap(low, high)
    )
    wrong: dict[int, list[str]] = {}
    for host, kept in Host.objects.order_by().values_list("pk", "conflict_count"):
        if counted[host] != kept:
            wrong.setdefault(counted[host], []).append(host)
    for count, hosts in wrong.items():
        for start in range(0, len(hosts), _BATCH):
            batch = hosts[start : start + _BATCH]
            Host.objects.filter(pk__in=batch).update(conflict_count=count)
    return sum(map(len, wrong.values()))
