"""Reads for the map of addresses: a few queries, however many hosts there are."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import Any, cast

from attrs import frozen
from django.db.models import Count, Min, Q, QuerySet

from hosts.models import HostSubnet

ASKED = "asked"


@frozen
class Group:
    """A subnet with what it is used for, on how many hosts, and the first of them by name.

    `clashing` of them have something else of their own that overlaps it; `use` is one of
    HostSubnet.Use, or ASKED for what changes under way ask for (then no host has it).
    """

    subnet: str
    low: int
    high: int
    use: str
    hosts: int = 0
    first: str = ""
    clashing: int = 0
    first_clashing: str = ""


def subnet_groups(*, within: IPv4Network | None = None) -> list[Group]:
    """Return every subnet of the fleet by address, larger ones first, in one query; revoked hosts
    do not count. `within` narrows them to those that overlap it."""
    rows = HostSubnet.objects.filter(host__revoked_at=None)
    if within is not None:
        low, high = int(within.network_address), int(within.broadcast_address)
        rows = rows.filter(low__lte=high, high__gte=low)
    clash = ~Q(clash="")
    grouped = rows.order_by("low", "-high", "use").values("subnet", "low", "high", "use")
    counted = grouped.annotate(
        hosts=Count("host", distinct=True),
        first=Min("host__name"),
        clashing=Count("host", distinct=True, filter=clash),
        first_clashing=Min("host__name", filter=clash),
    )
    rows_told = cast(Iterable[dict[str, Any]], counted)
    return [Group(**{**row, "first_clashing": row["first_clashing"] or ""}) for row in rows_told]


def subnet_hosts(*, subnet: str, use: str, clashing: bool = False) -> QuerySet[HostSubnet]:
    """Return the rows of one subnet and use, with their hosts, by the hosts' names."""
    rows = HostSubnet.objects.filter(subnet=subnet, use=use, host__revoked_at=None)
    if clashing:
        rows = rows.exclude(clash="")
    return rows.select_related("host").defer("host__observed").order_by("host__name", "name")


def networks_in_use() -> list[IPv4Network]:
    """Return the subnets of the fleet's containers and hosts, each once; routes do not count: what
    one host reaches by a route of its own binds no other."""
    rows = HostSubnet.objects.filter(host__revoked_at=None).exclude(use=HostSubnet.Use.ROUTE)
    ends = rows.order_by().values_list("low", "high").distinct()
    # From numbers: to read ten thousand texts takes a second.
    return [IPv4Network((low, 33 - (high - low + 1).bit_length())) for low, high in ends]


def others_with(*, host_id: str, subnet: IPv4Network) -> tuple[int, str] | None:
    """Return how many other hosts have an address of their own in networks that overlap a subnet,
    and the first of them by name; None when there is none."""
    rows = HostSubnet.objects.filter(
        use=HostSubnet.Use.ADDRESS,
        low__lte=int(subnet.broadcast_address),
        high__gte=int(subnet.network_address),
        host__revoked_at=None,
    ).exclude(host_id=host_id)
    found = rows.aggregate(hosts=Count("host", distinct=True), first=Min("host__name"))
    return (found["hosts"], found["first"]) if found["hosts"] else None
