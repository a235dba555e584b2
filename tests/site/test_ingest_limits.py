"""One host's messages, many and large, and what the others get of the ingest meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from audit.models import Entry
from hosts.models import Host, Observation
from hosts.services import broker_access
from hosts.services.trouble import Troubles
from netops.engine.observed import Observed
from netops.engine.serial import from_json, to_json
from netops.ingest import batch as batch_module
from netops.ingest import reader as reader_module
from netops.ingest.batch import MOST_TEXT, Batch
from netops.services.plans import MOST_BYTES
from netops.wire import (
    TO_SITE,
    ConfirmAsk,
    Heartbeat,
    JobEvent,
    ObservationReport,
    PlanReport,
    RulesRestored,
    seal,
    stream_name,
)
from tests.site.fake_host import FakeHost, wait_until
from tests.site.rows import host_row, plan_of


def sealed(host: Host, *bodies: object) -> list[tuple[str, str]]:
    secret = bytes.fromhex(host.secret)
    return [(f"{n}-0", seal(secret, TO_SITE, host.pk, body)) for n, body in enumerate(bodies, 1)]


def test_as_much_of_a_stream_is_taken_as_fits_and_one_entry_always() -> None:
    rows = [(f"{n}-0", {"m": "x" * 99}) for n in range(5)]
    assert reader_module._within(rows, 300) == rows[:3]
    assert reader_module._within(rows, 299) == rows[:2]
    assert reader_module._within(rows, 10) == rows[:1]
    assert reader_module._within(rows, 1000) == rows
    assert reader_module._within([("1-0", {"other": "x" * 99}), rows[1]], 150) != rows[:2]


@pytest.mark.django_db(transaction=True)
def test_a_flood_is_taken_in_parts_and_nothing_of_it_is_passed_over(
    fake: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, taken = broker_access.client(), []
    monkeypatch.setattr(reader_module, "BUDGET", 100_000)
    real = Batch.add

    def add(self: Batch, host: Host, entries: list[tuple[str, str]]) -> None:
        taken.append([len(text) for _, text in entries])
        real(self, host, entries)

    monkeypatch.setattr(Batch, "add", add)
    text = fake.sealed(Heartbeat("2.0", "boot-2"))
    with site.pipeline(transaction=True) as pipe:
        for number in range(20):
            pipe.xadd(stream_name(fake.config.host_id), {"m": "x" * (40_000 + number)})
        pipe.xadd(stream_name(fake.config.host_id), {"m": text})
        pipe.execute()
    wait_until(lambda: Host.objects.get().agent_version == "2.0")
    assert [size for part in taken for size in part] == [*range(40_000, 40_020), len(text)]
    assert max(sum(part) for part in taken) <= 100_000


@pytest.mark.django_db
def test_what_is_too_long_is_dropped_unparsed(monkeypatch: pytest.MonkeyPatch) -> None:
    host, troubles = host_row("web-1"), Troubles()
    (entry,) = sealed(host, Heartbeat("2.0", "x" * MOST_TEXT))

    def never(*_: object, **__: object) -> Any:
        raise AssertionError("parsed")

    monkeypatch.setattr(batch_module, "open_sealed", never)
    batch = Batch(troubles)
    batch.add(host, [entry])
    batch.store()
    batch.finish()
    assert batch.done == {host.pk: ["1-0"]}
    assert [e.data["code"] for e in Entry.objects.filter(action="message.dropped")] == ["too-long"]
    host.refresh_from_db()
    assert (host.agent_version, host.heard_at) == ("", None)


def test_all_that_may_be_kept_is_short_enough() -> None:
    plan = plan_of()
    room = MOST_BYTES - len(json.dumps(to_json(plan)))
    wide = evolve(plan, spec={**plan.spec, "x": "y" * (room - 9)})
    assert MOST_BYTES - 10 < len(json.dumps(to_json(wide))) <= MOST_BYTES
    text = seal(b"k" * 32, TO_SITE, "h" * 12, PlanReport(1, 1, wide))
    assert len(text) <= MOST_TEXT


@pytest.mark.django_db
def test_of_many_observations_the_latest_is_kept(recorded: Callable[[str], Any]) -> None:
    host, data = host_row("web-1"), recorded("sysv")
    reports = [
        ObservationReport(from_json(Observed, {**data, "hostname": f"name-{n}"}), "changed")
        for n in range(5)
    ]
    batch = Batch()
    batch.add(host, sealed(host, *reports))
    batch.store()
    assert [row.data["hostname"] for row in Observation.objects.all()] == ["name-4"]
    assert len(batch.done[host.pk]) == 5


@pytest.mark.django_db
def test_what_cannot_wait_comes_first(
    recorded: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    for kind in list(batch_module._HANDLERS):
        monkeypatch.setitem(
            batch_module._HANDLERS,
            kind,
            lambda host, body, kind=kind: order.append(f"{host.name} {kind.__name__}"),
        )
    monkeypatch.setattr(
        batch_module, "heartbeats_store", lambda *, beats: order.append("beats") or []
    )
    busy, asking = host_row("busy"), host_row("asking")
    observed = ObservationReport(from_json(Observed, recorded("sysv")), "start")
    event = JobEvent("j" * 32, 1, 1, "", "state")
    batch = Batch()
    batch.add(busy, sealed(busy, observed, RulesRestored("", ()), PlanReport(1, 1), event))
    batch.add(asking, sealed(asking, observed, event, ConfirmAsk("j" * 32, "n", 9.0)))
    batch.store()
    assert order == [
        *("asking list", "asking ConfirmAsk", "busy list", "beats"),
        *("busy ArrivedRestoration", "busy PlanReport"),
        *("busy ArrivedObservation", "asking ArrivedObservation"),
    ]
