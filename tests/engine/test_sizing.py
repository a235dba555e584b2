"""How large a subnet must be and where the next free one is."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netops.engine.sizing import RFC1918, next_free, prefixlen_for, room_for_containers


@pytest.mark.parametrize(
    ("containers", "prefixlen"), [(1, 30), (2, 29), (5, 29), (6, 28), (253, 24), (254, 23)]
)
def test_it_gives_the_smallest_subnet_with_room(containers: int, prefixlen: int) -> None:
    assert prefixlen_for(containers) == prefixlen


@given(st.integers(1, 2**24 - 3))
def test_it_always_has_room_and_never_twice_as_much(containers: int) -> None:
    prefixlen = prefixlen_for(containers)
    assert room_for_containers(prefixlen) >= containers
    assert prefixlen == 30 or room_for_containers(prefixlen + 1) < containers


@pytest.mark.parametrize("containers", [0, -1, 2**24])
def test_it_refuses_what_fits_nowhere(containers: int) -> None:
    with pytest.raises(ValueError, match="container"):
        prefixlen_for(containers)


def test_it_skips_what_is_taken() -> None:
    taken = [IPv4Network("192.168.0.0/23"), IPv4Network("192.168.2.128/25")]
    assert next_free(24, taken) == IPv4Network("192.168.3.0/24")


def test_it_goes_to_the_next_pool_and_says_when_nothing_is_free() -> None:
    assert next_free(16, [RFC1918[0]]) == IPv4Network("172.16.0.0/16")
    assert next_free(24, RFC1918) is None
    assert next_free(9, [], [IPv4Network("192.168.0.0/16")]) is None


networks = st.tuples(st.integers(0, 2**20 - 1), st.integers(12, 30)).map(
    lambda t: IPv4Network(((10 << 24) | (t[0] << 4), t[1]), strict=False)
)


@given(st.integers(12, 30), st.lists(networks, max_size=20))
def test_it_never_proposes_what_overlaps(prefixlen: int, taken: list[IPv4Network]) -> None:
    found = next_free(prefixlen, taken, [IPv4Network("10.0.0.0/8")])
    assert found is None or not any(found.overlaps(t) for t in taken)
