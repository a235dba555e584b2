"""The map of addresses: what is used, reserved, in conflict and free. Pure arithmetic.

Addresses are numbers here: ten thousand subnets are compared for one page. Networks either lie
inside each other or share nothing, which the lookups below make use of.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network

from attrs import frozen

from hosts.map_selectors import ASKED, Group
from netops.engine.sizing import RFC1918

POOLS = tuple(sorted(RFC1918))
FREE, ROUTE, RESERVED, PLANNED, USED, CONFLICT = (
    "free", "route", "reserved", "planned", "used", "conflict",
)  # fmt: skip
_RANK = {s: n for n, s in enumerate((FREE, ROUTE, RESERVED, PLANNED, USED, CONFLICT))}
_STATE_OF = {ROUTE: ROUTE, ASKED: PLANNED}
OF_CONTAINERS = ("docker0", "docker")
# No subnet of containers is smaller than a /30.
SMALLEST = 30


@frozen
class Span:
    """A stretch of addresses, first and last, in a state; `what` names it for people."""

    low: int
    high: int
    state: str
    what: str = ""


@frozen
class Cell:
    """A block of the map. `whole`: its state covers all of it."""

    network: IPv4Network
    label: str
    state: str = FREE
    whole: bool = False
    what: str = ""


@frozen
class Conflict:
    """Containers' subnet `group` and what it overlaps: a range of the team ("reserved"), the same
    hosts' own networks ("host"), or a network that other hosts live in ("fleet")."""

    kind: str
    group: Group
    other: str = ""
    label: str = ""
    other_hosts: int = 0
    low: int = 0
    high: int = 0


def blocks_of(within: IPv4Network) -> list[IPv4Network]:
    """Return the blocks that a range is drawn as: those of the next whole byte, at most 256, none
    smaller than a /30."""
    if within.prefixlen >= SMALLEST:
        return []
    return list(within.subnets(new_prefix=min((within.prefixlen // 8 + 1) * 8, SMALLEST)))


def spans_of(
    groups: Iterable[Group],
    reserved: Iterable[tuple[IPv4Network, str]],
    conflicts: Iterable[Conflict],
) -> list[Span]:
    """Return all that is on the map."""
    spans = [Span(g.low, g.high, _STATE_OF.get(g.use, USED), g.subnet) for g in groups]
    spans += [Span(*_ends(network), RESERVED, label) for network, label in reserved]
    return spans + [Span(c.low, c.high, CONFLICT, c.group.subnet) for c in conflicts]


def cells_of(within: IPv4Network, spans: Iterable[Span]) -> list[Cell]:
    """Return the blocks of a range, each in the gravest state of what it holds."""
    blocks = blocks_of(within)
    if not blocks:
        return []
    (start, end), size = _ends(within), blocks[0].num_addresses
    found: list[Span | None] = [None] * len(blocks)
    whole = [False] * len(blocks)
    for span in spans:
        if span.high < start or span.low > end:
            continue
        first = max(0, (span.low - start) // size)
        last = min(len(blocks) - 1, (span.high - start) // size)
        for at in range(first, last + 1):
            covers = span.low <= start + at * size and span.high >= start + (at + 1) * size - 1
            seen = found[at]
            if seen is None or _RANK[span.state] > _RANK[seen.state]:
                found[at], whole[at] = span, covers
            elif span.state == seen.state:
                whole[at] = whole[at] or covers
    return [
        Cell(b, _label(b), s.state, w, s.what) if s else Cell(b, _label(b))
        for b, s, w in zip(blocks, found, whole, strict=True)
    ]


def _label(block: IPv4Network) -> str:
    """The part of the address that changes from block to block."""
    return str(block.network_address).split(".")[(block.prefixlen - 1) // 8]


def conflicts_of(
    groups: list[Group], reserved: Iterable[tuple[IPv4Network, str]]
) -> list[Conflict]:
    """Return what the containers' subnets of the fleet overlap that they must not, those with the
    most hosts first."""
    inside = [g for g in groups if g.use in OF_CONTAINERS]
    look = _Lookup(inside)
    found = [
        Conflict("host", g, low=g.low, high=g.high) for g in inside if g.clashing
    ]  # fmt: skip
    for network, label in reserved:
        for group in look.overlapping(*_ends(network)):
            found.append(_pair("reserved", group, _ends(network), str(network), label))
    for lived in (g for g in groups if g.use == "address"):
        for group in look.overlapping(lived.low, lived.high):
            # Where each host of the group clashes by itself, that has been said.
            if group.clashing < group.hosts:
                ends = (lived.low, lived.high)
                found.append(_pair("fleet", group, ends, lived.subnet, lived.first, lived.hosts))
    return sorted(found, key=lambda c: (-c.group.hosts, c.low, c.kind))


def _pair(
    kind: str, group: Group, ends: tuple[int, int], other: str, label: str, hosts: int = 0
) -> Conflict:
    low, high = max(group.low, ends[0]), min(group.high, ends[1])
    return Conflict(kind, group, other, label, hosts, low, high)


class _Lookup:
    """Finds groups that overlap a network without comparing it with each of them."""

    def __init__(self, groups: list[Group]) -> None:
        self._sorted = sorted(groups, key=lambda g: g.low)
        self._lows = [g.low for g in self._sorted]
        self._by_ends: dict[tuple[int, int], list[Group]] = {}
        for group in groups:
            self._by_ends.setdefault((group.low, group.high), []).append(group)

    def overlapping(self, low: int, high: int) -> Iterator[Group]:
        """Yield those inside of it (itself among them), then those around it."""
        for group in self._sorted[bisect_left(self._lows, low) : bisect_left(self._lows, high + 1)]:
            if group.high <= high:
                yield group
        size = 2 * (high - low + 1)
        while size <= 2**32:
            start = low - low % size
            yield from self._by_ends.get((start, start + size - 1), ())
            size *= 2


def gaps_of(within: IPv4Network, spans: Iterable[Span]) -> list[tuple[int, int]]:
    """Return the stretches of a range that nobody uses, plans or reserved; routes do not count."""
    start, end = _ends(within)
    gaps = []
    for low, high in sorted((s.low, s.high) for s in spans if s.state != ROUTE):
        if low > start:
            gaps.append((start, min(low - 1, end)))
        start = max(start, high + 1)
        if start > end:
            return gaps
    return [*gaps, (start, end)]


def first_free(gaps: Iterable[tuple[int, int]], prefixlen: int) -> IPv4Network | None:
    """Return the first network of that length in the gaps, None where none has room for it."""
    size = 1 << (32 - prefixlen)
    for low, high in gaps:
        start = (low + size - 1) // size * size
        if start + size - 1 <= high:
            return IPv4Network((start, prefixlen))
    return None


def largest_free(gaps: Iterable[tuple[int, int]], limit: int = 6) -> list[IPv4Network]:
    """Return the largest networks in the gaps, large ones first, then by address."""
    found = [n for gap in gaps for n in _networks(*gap) if n.prefixlen <= SMALLEST]
    return sorted(found, key=lambda n: (n.prefixlen, n))[:limit]


def _networks(low: int, high: int) -> Iterator[IPv4Network]:
    """The fewest networks that fill a stretch (see ipaddress.summarize_address_range)."""
    while low <= high:
        bits = min(
            (low & -low).bit_length() - 1 if low else 32, (high - low + 1).bit_length() - 1
        )  # fmt: skip
        yield IPv4Network((low, 32 - bits))
        low += 1 << bits


def _ends(network: IPv4Network) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)


def network_read(text: str) -> IPv4Network | None:
    """Return the network of a URL or a field, None for what is none; host bits are dropped."""
    try:
        return IPv4Network(text.strip(), strict=False) if "/" in text else None
    except ValueError:
        return None


def parents_of(network: IPv4Network) -> list[IPv4Network]:
    """Return the ranges that one went through to a network, the private pool (or /8) first."""
    pool = next((p for p in POOLS if network.subnet_of(p)), None)
    first = pool.prefixlen if pool else 8
    lengths = [first, *(n for n in (8, 16, 24) if n > first)]
    return [network.supernet(new_prefix=n) for n in lengths if n < network.prefixlen]
