"""What of NAT gets a row in a host's history, and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from hosts.models import Host, Observation
from hosts.services import observation_store
from netops.engine.observed import Listener, Observed
from netops.models import Change
from tests.pages.host_example import observed, with_setting, without_nat
from tests.site.rows import host_row

pytestmark = pytest.mark.django_db

BARE = without_nat(observed())
OURS = with_setting(BARE, 12)


def fire(seen: Observed, **fields: Any) -> Observed:
    return evolve(seen, firewall=evolve(seen.firewall, **fields))


def told(*seen: Observed) -> list[str]:
    """Report one after the other; return the summaries after the first."""
    host = host_row("web-1")
    for one in seen:
        observation_store(host=host, observed=one, cause="changed")
    assert Host.objects.get().observed_at is not None
    return [row.summary for row in Observation.objects.order_by("id")][1:]


@pytest.mark.parametrize(
    "later",
    [
        evolve(OURS, listeners=(Listener("tcp", None, 22),)),
        fire(OURS, left_out=12),
        fire(OURS, nat=(*OURS.firewall.nat, "-A DOCKER -p tcp -m tcp --dport 81 -j DNAT")),
        fire(OURS, nat=(":DOCKER -", *OURS.firewall.nat)),
        fire(OURS, forward=(*OURS.firewall.forward, "-A FORWARD -o br-1 -j DOCKER")),
    ],
)
def test_it_says_nothing_of_what_comes_and_goes(later: Observed) -> None:
    assert told(OURS, later) == []
    kept = Host.objects.get().observation
    assert kept is not None
    assert kept.firewall == later.firewall
    assert not Change.objects.exists()


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (BARE, OURS, "NAT of 172.17.0.0/16: none → masquerade."),
        (OURS, BARE, "NAT of 172.17.0.0/16: masquerade → none."),
        (
            OURS,
            with_setting(BARE, 13, mode="snat", to_source="198.51.100.11"),
            "NAT of 172.17.0.0/16: masquerade → SNAT 198.51.100.11.",
        ),
        (
            OURS,
            fire(OURS, nat=BARE.firewall.nat),
            "Dockernet's own rules: 3 gone, 0 new.",
        ),
        (
            OURS,
            fire(OURS, forward=(":FORWARD DROP",)),
            "Policy of the firewall's chain FORWARD: ACCEPT → DROP.",
        ),
        (OURS, fire(OURS, backend="legacy"), "Firewall changed."),
        (OURS, evolve(OURS, ip_forward=not OURS.ip_forward), "IP forwarding changed."),
        (OURS, evolve(OURS, routes=()), "The routes changed."),
        (OURS, evolve(OURS, boot_id="another"), "The host was restarted."),
    ],
)
def test_it_tells_each_in_one_sentence(before: Observed, after: Observed, sentence: str) -> None:
    assert told(before, after) == [sentence]


def test_it_does_not_repeat_what_a_container_explains() -> None:
    with_rule = fire(OURS, nat=(*OURS.firewall.nat, "-A DOCKER -p tcp -j DNAT"))
    fewer = evolve(with_rule, containers=OURS.containers[1:])
    assert told(OURS, fewer) == ["Container app-0 is gone."]
