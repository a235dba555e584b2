"""How large a subnet must be, and where the next free one is. Pure arithmetic on IPv4."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network

RFC1918 = (
    IPv4Network("192.168.0.0/16"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("10.0.0.0/8"),
)
# Network address, broadcast address and the gateway (docker0) are not for containers.
NOT_FOR_CONTAINERS = 3
SHORTEST, LONGEST = 8, 30


def room_for_containers(prefixlen: int) -> int:
    """Return how many containers fit in a subnet of that prefix length (0 when none do)."""
    size: int = 2 ** (32 - prefixlen)
    return max(0, size - NOT_FOR_CONTAINERS)


def prefixlen_for(containers: int) -> int:
    """Return the longest prefix length whose subnet has room for that many containers.

    Raises ValueError below 1 and above what a /8 holds.
    """
    if containers < 1:
        raise ValueError("At least one container.")
    for prefixlen in range(LONGEST, SHORTEST - 1, -1):
        if room_for_containers(prefixlen) >= containers:
            return prefixlen
    raise ValueError(f"No private range holds {containers} containers.")


def next_free(
    prefixlen: int, taken: Iterable[IPv4Network], pools: Iterable[IPv4Network] = RFC1918
) -> IPv4Network | None:
    """Return the first subnet of that length in `pools` that overlaps none of `taken`.

    `pools` are tried in order, each from its low end (the default order is that of the smallest
    pool, as home and office ranges are easily seen there). None when nothing is free.
    """
    busy = _merged(taken)
    size = 2 ** (32 - prefixlen)
    for pool in pools:
        if pool.prefixlen > prefixlen:
            continue
        start, end = int(pool.network_address), int(pool.broadcast_address)
        for low, high in busy:
            if start + size - 1 < low:
                break
            if high >= start:
                # Jump behind what is in the way, up to the next border of this size.
                start = (high // size + 1) * size
        if start + size - 1 <= end:
            return IPv4Network((start, prefixlen))
    return None


def _merged(networks: Iterable[IPv4Network]) -> list[tuple[int, int]]:
    """First and last addresses in order, what touches or overlaps as one."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted((int(n.network_address), int(n.broadcast_address)) for n in networks):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged
