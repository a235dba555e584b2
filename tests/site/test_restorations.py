"""Rules that a host has put back: a line in its history, over a real broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hosts.models import Host, Observation
from hosts.services import broker_access
from netops.engine.observed import Observed
from netops.engine.serial import from_json
from netops.wire import RulesRestored, stream_name
from tests.site.fake_host import FakeHost, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
AT = "2026-01-01T10:00:00+00:00"


def told(fake: FakeHost, *missing: str, error: str = "") -> Observation:
    """What the history has after the host said so."""
    before = Observation.objects.count()
    fake.say(RulesRestored(AT, missing, error))
    wait_until(lambda: broker_access.client().xlen(stream_name(fake.config.host_id)) == 0)
    assert Observation.objects.count() == before + 1
    latest = Observation.objects.first()
    assert latest is not None
    return latest


def test_the_history_says_what_was_missing(fake: FakeHost, recorded: Callable[[str], Any]) -> None:
    fake.observed(from_json(Observed, recorded("sysv")), "start")
    wait_until(lambda: Observation.objects.exists())
    seen = Host.objects.get().observed
    row = told(fake, "the chain DOCKERNET-POSTROUTING was gone", "forwarding was off")
    assert row.summary == (
        "Dockernet put its NAT rules back: the chain DOCKERNET-POSTROUTING was gone; "
        "forwarding was off."
    )
    assert row.cause == "nat"
    assert row.data == {}
    assert Host.objects.get().observed == seen


def test_the_history_says_that_they_could_not_be_put_back(fake: FakeHost) -> None:
    row = told(fake, error="Another program has held /run/xtables.lock for 10 s.")
    assert row.summary.startswith("NAT rules of Dockernet are missing and could not be put back: ")
    assert "xtables.lock" in row.summary


def test_a_host_cannot_say_too_much(fake: FakeHost) -> None:
    row = told(fake, *["\x00<script>" * 250] * 500)
    assert "\x00" not in row.summary
    assert len(row.summary) <= 8000
