"""Who writes firewall rules is heard, in the real kernel and in both families."""

from __future__ import annotations

import select
from collections.abc import Callable

import pytest

from netops.agent.rules_watch import POLL_S, RulesWatch
from tests.kernel.conftest import Namespace


def heard(watch: RulesWatch, timeout_s: float = 0.2) -> bool:
    """Whether the watch tells of something within `timeout_s` seconds."""
    return watch.written(select.select(watch.sockets, [], [], timeout_s)[0])


@pytest.fixture
def place(namespace: Callable[[], Namespace]) -> Namespace:
    return namespace()


def test_it_hears_what_iptables_nft_writes(place: Namespace) -> None:
    watch = place.inside(RulesWatch)
    assert not place.inside(lambda: heard(watch))
    assert watch.poll_s is None
    place.run("iptables-nft", "-t", "nat", "-A", "POSTROUTING", "-j", "RETURN")
    assert place.inside(lambda: heard(watch))
    assert not place.inside(lambda: heard(watch))
    place.run("iptables-nft", "-t", "nat", "-F")
    assert place.inside(lambda: heard(watch))


def test_it_asks_the_legacy_tables_and_makes_none_appear(place: Namespace) -> None:
    watch = place.inside(RulesWatch)
    assert not place.inside(lambda: heard(watch))
    assert place.run("cat", "/proc/self/net/ip_tables_names") == ""
    place.run("iptables-legacy", "-t", "nat", "-A", "POSTROUTING", "-j", "RETURN")
    assert place.inside(lambda: heard(watch))
    assert watch.poll_s == POLL_S
    assert not place.inside(lambda: heard(watch))
    place.run("iptables-legacy", "-t", "nat", "-F")
    assert place.inside(lambda: heard(watch))
    assert place.run("cat", "/proc/self/net/ip_tables_names").split() == ["nat"]


def test_it_is_not_lost_in_a_flood(place: Namespace) -> None:
    watch = place.inside(RulesWatch)
    lines = [f"-A POSTROUTING -s 10.0.{n // 250}.{n % 250} -j RETURN" for n in range(2500)]
    text = "\n".join(["*nat", *lines, "COMMIT", ""])
    place.run("sh", "-c", 'printf %s "$1" | iptables-nft-restore --noflush', "sh", text)
    assert place.inside(lambda: heard(watch))
    assert not place.inside(lambda: heard(watch))
