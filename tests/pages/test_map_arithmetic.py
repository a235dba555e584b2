"""The arithmetic of the map agrees with comparing everything with everything."""

from __future__ import annotations

import random
from ipaddress import IPv4Network

import pytest
from attrs import evolve

from hosts.address_map import (
    USED,
    Span,
    cells_of,
    conflicts_of,
    first_free,
    gaps_of,
    largest_free,
)
from hosts.map_selectors import Group

WITHIN = IPv4Network("10.0.0.0/16")


def some(seed: int, number: int = 40) -> list[IPv4Network]:
    """Networks of many sizes, most of them in WITHIN."""
    dice = random.Random(seed)
    found = []
    for _ in range(number):
        length = dice.randint(14, 30)
        start = int(WITHIN[0]) + dice.randrange(-(2**15), 2**16 + 2**15)
        found.append(IPv4Network((start >> (32 - length) << (32 - length), length)))
    return found


def group(network: IPv4Network, use: str) -> Group:
    """One host's subnet."""
    return Group(str(network), int(network[0]), int(network[-1]), use, 1, "web-1")


@pytest.mark.parametrize("seed", range(8))
def test_conflicts_are_all_pairs_that_overlap(seed: int) -> None:
    inside, lived = list(dict.fromkeys(some(seed))), list(dict.fromkeys(some(seed + 100, 10)))
    reserved = [(n, "x") for n in dict.fromkeys(some(seed + 200, 10))]
    groups = [group(n, "docker0") for n in inside] + [group(n, "address") for n in lived]
    found = {(c.kind, c.group.subnet, c.other) for c in conflicts_of(groups, reserved)}
    wanted = {("reserved", str(a), str(b)) for a in inside for b, _ in reserved if a.overlaps(b)}
    wanted |= {("fleet", str(a), str(b)) for a in inside for b in lived if a.overlaps(b)}
    assert found == wanted


@pytest.mark.parametrize("seed", range(8))
def test_what_is_free_touches_nothing(seed: int) -> None:
    used = some(seed, 12)
    spans = [Span(int(n[0]), int(n[-1]), USED) for n in used]
    gaps = gaps_of(WITHIN, spans)
    free = {a for low, high in gaps for a in range(low, high + 1)}
    taken = {a for s in spans for a in range(s.low, s.high + 1)}
    assert free == set(range(int(WITHIN[0]), int(WITHIN[-1]) + 1)) - taken
    for length in (18, 20, 24, 28):
        fitting = (n for n in WITHIN.subnets(new_prefix=length) if not any(map(n.overlaps, used)))
        assert first_free(gaps, length) == next(fitting, None)
    for network in largest_free(gaps):
        assert not any(map(network.overlaps, used))
    for cell in cells_of(WITHIN, spans):
        assert (cell.state == USED) == any(map(cell.network.overlaps, used))
        whole = all(int(a) in taken for a in (cell.network[0], cell.network[-1]))
        assert not cell.whole or whole


def test_one_host_that_clashes_hides_the_others_of_its_group_not() -> None:
    many = Group("172.17.0.0/16", *ends("172.17.0.0/16"), "docker0", 100, "web-1", clashing=1)
    lived = Group("172.17.5.0/24", *ends("172.17.5.0/24"), "address", 3, "db-1")
    assert {c.kind for c in conflicts_of([many, lived], [])} == {"host", "fleet"}
    all_ = evolve(many, clashing=100)
    assert {c.kind for c in conflicts_of([all_, lived], [])} == {"host"}


def ends(network: str) -> tuple[int, int]:
    """First and last address as numbers."""
    return int(IPv4Network(network)[0]), int(IPv4Network(network)[-1])
