"""What a host said of itself, from its stream to the database and to the page."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from hosts.models import Host, Observation
from netops.engine.observed import Observed
from netops.engine.serial import from_json
from netops.ingest.batch import Batch
from netops.wire import TO_SITE, ObservationReport, seal
from people.models import User
from tests.site.rows import host_row

pytestmark = pytest.mark.django_db

Reported = Callable[..., Batch]


@pytest.fixture
def reported(recorded: Callable[[str], Any]) -> Reported:
    """Report an observation of a host: `changed` are its fields, `entry` its id in the stream."""

    def report(host: Host, *, entry: str = "", cause: str = "periodic", **changed: Any) -> Batch:
        observed = from_json(Observed, {**recorded("sysv"), **changed})
        body = ObservationReport(observed, cause)
        text = seal(bytes.fromhex(host.secret), TO_SITE, host.pk, body)
        batch = Batch()
        batch.add(host, [(entry or f"{time.time_ns() // 1_000_000}-0", text)])
        batch.store()
        return batch

    return report


def moved(recorded: Any, address: str) -> list[dict[str, Any]]:
    addresses = recorded("sysv")["addresses"]
    return [{**a, "interface": address} if a["link"] == "docker0" else a for a in addresses]


@pytest.mark.parametrize("hours", [-1, 1, -20_000])
def test_it_believes_the_stream_and_not_the_clock_of_the_host(
    reported: Reported, recorded: Any, hours: int
) -> None:
    host, now = host_row("web-1"), timezone.now()
    reported(host, at=now.isoformat())
    later = (now + timedelta(hours=hours)).isoformat()
    reported(host, at=later, addresses=moved(recorded, "10.1.0.1/24"))
    host.refresh_from_db()
    assert host.subnet == "10.1.0.0/24"
    times = [host.observed_at, *Observation.objects.values_list("at", flat=True)]
    assert len(times) == 3
    assert all(at is not None and abs(at - now) < timedelta(seconds=20) for at in times)


def test_it_dates_an_observation_by_its_arrival_at_the_site(reported: Reported) -> None:
    """The ingest may have been down meanwhile."""
    host, arrival = host_row("web-1"), timezone.now() - timedelta(hours=2)
    reported(host, entry=f"{int(arrival.timestamp() * 1000)}-3", at="nonsense")
    host.refresh_from_db()
    assert host.observed_at is not None
    assert abs(host.observed_at - arrival) < timedelta(milliseconds=2)


def test_it_writes_no_history_when_the_stream_is_read_again(
    reported: Reported, recorded: Any
) -> None:
    host, now = host_row("web-1"), time.time_ns() // 1_000_000
    other = moved(recorded, "10.1.0.1/24")
    for _ in range(2):
        reported(host, entry=f"{now - 1000}-0")
        reported(host, entry=f"{now - 500}-0", addresses=other)
    host.refresh_from_db()
    assert host.subnet == "10.1.0.0/24"
    assert Observation.objects.count() == 2


def test_it_goes_on_when_the_clock_of_the_site_was_set_back(
    reported: Reported, recorded: Any
) -> None:
    host = host_row("web-1", observed_at=timezone.now() + timedelta(hours=1))
    reported(host)
    host.refresh_from_db()
    assert host.observed_at is not None
    assert host.observed_at <= timezone.now()
    assert Observation.objects.count() == 1


@pytest.mark.parametrize("entry", ["18446744073709551615-1", "99999999999999-0"])
def test_it_dates_nothing_later_than_now(reported: Reported, entry: str) -> None:
    host = host_row("web-1")
    assert reported(host, entry=entry).set_aside == []
    host.refresh_from_db()
    assert host.observed_at is not None
    assert host.observed_at <= datetime.now(UTC)


@pytest.mark.parametrize("text", ["\x00\x00", "a\ud800b", "\udcff"])
def test_it_keeps_an_observation_with_texts_that_no_database_takes(
    reported: Reported, recorded: Any, client: Client, people: dict[str, User], text: str
) -> None:
    host, data = host_row("web-1"), recorded("sysv")
    config = {**data["config"], "error": f"not JSON: {text}"}
    daemon = {**data["daemon"], "version": f"20.10{text}"}
    sent = {"config": config, "daemon": daemon, "cause": f"changed{text}" + "x" * 300}
    assert reported(host, **sent).set_aside == []
    host.refresh_from_db()
    assert host.docker_version.startswith("20.10")
    assert Observation.objects.get().data == host.observed
    client.force_login(people["carol"])
    assert "not JSON" in client.get("/hosts/web-1/").content.decode()
    assert client.get("/hosts/web-1/history/").status_code == 200
