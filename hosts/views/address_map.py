"""The map of all addresses: subnets of the fleet over the team's reserved ranges."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from hosts.address_map import (
    POOLS,
    Span,
    blocks_of,
    cells_of,
    conflicts_of,
    first_free,
    gaps_of,
    largest_free,
    network_read,
    parents_of,
    spans_of,
)
from hosts.forms import RangeForm
from hosts.map_selectors import ASKED, Group, subnet_groups, subnet_hosts
from hosts.map_words import LEGEND, cell_words, map_rows
from hosts.models import HostSubnet
from hosts.selectors import reserved_list
from netops.engine.sizing import prefixlen_for
from netops.selectors import subnets_asked_for
from people.requests import UserRequest

SIZES = (16, 20, 22, 23, 24, 25, 26, 28)
SHOWN_CONFLICTS, PAGE_SIZE = 20, 50


@login_required
@require_GET
def address_map(request: UserRequest) -> HttpResponse:
    """All private ranges, or one range (`in`) with its blocks; `size` (a prefix length) or
    `containers` finds the next free range."""
    return map_page(request)


def map_page(
    request: UserRequest, *, form: RangeForm | None = None, status: int = 200
) -> HttpResponse:
    """The page of the map, with a form to reserve a range as it was sent."""
    within = network_read(request.GET.get("in", ""))
    reserved = list(reserved_list())
    networks = [(IPv4Network(r.subnet), r.label) for r in reserved]
    groups = [*subnet_groups(within=within), *_asked(within)]
    if within is not None:
        networks = [(n, label) for n, label in networks if n.overlaps(within)]
    conflicts = conflicts_of(groups, networks)
    spans = spans_of(groups, networks, conflicts)
    areas = [_area(area, spans) for area in ([within] if within else POOLS)]
    rows = map_rows(groups, networks, conflicts)
    context: dict[str, Any] = {
        "within": within,
        "parents": parents_of(within) if within is not None else [],
        "conflicts": conflicts[:SHOWN_CONFLICTS],
        "conflict_count": len(conflicts),
        "something_known": any(group.hosts for group in groups),
        "areas": areas,
        "legend": LEGEND,
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "ranges": reserved,
        "form": form or RangeForm(),
        "sizes": [n for n in SIZES if within is None or n >= within.prefixlen],
        **_free(request, areas),
    }
    return render(request, "hosts/map.html", context, status=status)


def _area(within: IPv4Network, spans: list[Span]) -> dict[str, Any]:
    """A range with its blocks, and what is free of it."""
    gaps = gaps_of(within, spans)
    free = sum(high - low + 1 for low, high in gaps)
    blocks = blocks_of(within)
    return {
        "network": within,
        "cells": [(cell, cell_words(cell)) for cell in cells_of(within, spans)],
        "block": f"/{blocks[0].prefixlen}" if blocks else "",
        "gaps": gaps,
        "free_percent": 100 * free // within.num_addresses,
        "largest": largest_free(gaps),
    }


def _asked(within: IPv4Network | None) -> list[Group]:
    """What changes under way ask for, as subnets that no host has yet."""
    read = (network_read(text) for text in subnets_asked_for())
    return [
        Group(str(n), int(n.network_address), int(n.broadcast_address), ASKED)
        for n in read
        if n is not None and (within is None or n.overlaps(within))
    ]


def _free(request: UserRequest, areas: list[dict[str, Any]]) -> dict[str, Any]:
    """The next free range of the size asked for, or why there is none; the smallest pool first, as
    the size helper of the request does."""
    size, containers = request.GET.get("size", ""), request.GET.get("containers", "").strip()
    if not (size or containers):
        return {}
    told: dict[str, Any] = {"containers": containers}
    number = containers or size.removeprefix("/")
    if not (number.isascii() and number.isdecimal()) or len(number) > 9:
        return told | {"free_error": _("Write the number in digits.")}
    try:
        prefixlen = prefixlen_for(int(containers)) if containers else int(number)
    except ValueError:
        return told | {"free_error": _("No private range holds so many containers.")}
    if not 8 <= prefixlen <= 30:
        return told | {"free_error": _("A size is a prefix length from /8 to /30.")}
    found = (first_free(area["gaps"], prefixlen) for area in reversed(areas))
    return told | {"asked_prefixlen": prefixlen, "free_found": next(filter(None, found), None)}


@login_required
@require_GET
def map_hosts(request: UserRequest) -> HttpResponse:
    """The hosts that have a subnet for something, or those where it clashes (`clash=1`)."""
    subnet, use = request.GET.get("subnet", ""), request.GET.get("use", "")
    clashing = request.GET.get("clash") == "1"
    known = use in HostSubnet.Use.values and network_read(subnet) is not None
    rows = subnet_hosts(subnet=subnet, use=use, clashing=clashing) if known else None
    rows = rows if rows is not None else HostSubnet.objects.none()
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "subnet": subnet if known else "",
        "use": HostSubnet.Use(use).label if known else "",
        "clashing": clashing,
        "page": page,
        "clashes": any(row.clash for row in page.object_list),
    }
    return render(request, "hosts/map_hosts.html", context)
