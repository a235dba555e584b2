"""With messages that were recorded on the way: nothing is done twice, nothing old is believed."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from audit.models import Entry
from hosts.models import Host, Observation
from hosts.services import broker_access, dispatch
from hosts.services.trouble import Troubles
from netops.engine.observed import Observed
from netops.engine.serial import from_json
from netops.ingest.batch import Batch
from netops.wire import (
    TO_HOST,
    TO_SITE,
    CancelRequest,
    Heartbeat,
    JobRefused,
    ObservationReport,
    ObserveRequest,
    ProofAsk,
    RulesRestored,
    queue_name,
    seal,
    stream_name,
)
from tests.agent.site import job_of
from tests.faults.conftest import RealAgent
from tests.faults.freezing import at_time
from tests.site.fake_host import FakeHost, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def drained(fake: FakeHost) -> bool:
    return broker_access.client().xlen(stream_name(fake.config.host_id)) == 0


def replay(fake: FakeHost, text: str) -> None:
    """As somebody who has the broker's password and not the host's key."""
    fake.say_text(text)
    wait_until(lambda: drained(fake))


def codes(action: str) -> list[str]:
    return [e.data["code"] for e in Entry.objects.filter(action=action).order_by("id")]


def test_an_old_observation_does_not_become_the_present(fake: FakeHost, recorded: Any) -> None:
    old = ObservationReport(from_json(Observed, recorded("sysv")), "periodic")
    captured = fake.sealed(old)
    replay(fake, captured)
    moved = {**recorded("sysv"), "hostname": "renamed"}
    fake.observed(from_json(Observed, moved))
    wait_until(lambda: Host.objects.get().observed["hostname"] == "renamed")
    rows = Observation.objects.count()
    replay(fake, captured)
    wait_until(lambda: codes("message.dropped") == ["replayed"])
    assert Host.objects.get().observed["hostname"] == "renamed"
    assert Observation.objects.count() == rows


@pytest.mark.parametrize("body", [Heartbeat("9", "b", "j"), RulesRestored("x", ("a rule",))])
def test_a_dead_host_does_not_look_alive(fake: FakeHost, body: object) -> None:
    captured = fake.sealed(body)
    replay(fake, captured)
    fake.beat()
    wait_until(lambda: drained(fake))
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    Host.objects.update(last_seen_at=long_ago)
    rows = Observation.objects.count()
    replay(fake, captured)
    wait_until(lambda: codes("message.dropped"))
    host = Host.objects.get()
    assert (host.last_seen_at, host.is_online, host.agent_version) == (long_ago, False, "1.0")
    assert Observation.objects.count() == rows


def test_a_host_whose_clock_was_set_back_is_believed_again_at_once(fake: FakeHost) -> None:
    with at_time(datetime.now(UTC) - timedelta(hours=1)):
        late = fake.sealed(Heartbeat("1.1", "b"))
    replay(fake, late)
    assert Host.objects.get().agent_version == "1.0"
    asked = wait_until(fake.receive)
    assert isinstance(asked, ProofAsk)
    with at_time(datetime.now(UTC) - timedelta(hours=1)):
        fake.say(Heartbeat("1.1", "b", "", "wrong"))
        fake.say(Heartbeat("1.2", "b", "", asked.nonce))
        fake.say(Heartbeat("1.3", "b"))
    wait_until(lambda: Host.objects.get().agent_version == "1.3")
    wait_until(lambda: Host.objects.get().proof_nonce == "")


def test_an_ingest_that_was_away_for_hours_believes_what_waited(enrol: Any, recorded: Any) -> None:
    fake = enrol()
    now, site = datetime.now(UTC), broker_access.client()
    for hours in (5, 3, 1):
        with at_time(now - timedelta(hours=hours)):
            text = fake.sealed(Heartbeat(f"{hours}", "b"))
        entry = int((now - timedelta(hours=hours)).timestamp() * 1000)
        site.xadd(stream_name(fake.config.host_id), {"m": text}, id=f"{entry}-0")
    batch = Batch()
    rows: Any = site.xrange(stream_name(fake.config.host_id))
    batch.add(Host.objects.get(), [(i, fields["m"]) for i, fields in rows])
    batch.store()
    batch.finish()
    assert Host.objects.get().agent_version == "1"
    assert not Entry.objects.filter(action__startswith="message.").exists()
    again = Batch()
    again.add(Host.objects.get(), [(i, fields["m"]) for i, fields in rows])
    again.store()
    again.finish()
    assert not Entry.objects.filter(action__startswith="message.").exists()


def test_forged_messages_are_told_once_a_minute_with_their_number(fake: FakeHost) -> None:
    other = seal(b"x" * 32, TO_SITE, fake.config.host_id, Heartbeat("evil", "b"))
    for _ in range(300):
        fake.say_text(other)
    wait_until(lambda: drained(fake))
    wait_until(lambda: codes("message.forged") == ["bad-signature"])
    entry = Entry.objects.get(action="message.forged")
    assert (entry.by, entry.target, entry.via) == ("web-1", "host:web-1", "host")
    assert Host.objects.get().agent_version == "1.0"


def test_a_host_cannot_fill_the_audit_log_with_codes_of_its_own(fake: FakeHost) -> None:
    for number in range(50):
        fake.say(JobRefused(f"code-{number}", "x" * 5000))
    fake.say(JobRefused("expired", "\x00<script>" * 1000))
    wait_until(lambda: codes("message.refused") == ["expired"])
    entry = Entry.objects.get(action="message.refused")
    assert len(entry.message) < 400
    assert "\x00" not in entry.message


def test_what_waits_is_told_with_its_number_a_minute_later(fake: FakeHost) -> None:
    host, troubles = Host.objects.get(), Troubles()
    troubles.note(host, "message.forged", "malformed", "It is none.")
    troubles.flush()
    for _ in range(3):
        troubles.note(host, "message.forged", "malformed", "It is none.")
    troubles.flush()
    assert Entry.objects.filter(action="message.forged").count() == 1
    with at_time(datetime.now(UTC) + timedelta(seconds=61)):
        troubles.flush()
    told = Entry.objects.filter(action="message.forged").order_by("id")
    assert [entry.data["count"] for entry in told] == [1, 3]


def captured(agent: RealAgent) -> tuple[bytes, str]:
    """The key and the id of the agent's host."""
    return bytes.fromhex(agent.config()["secret"]), agent.config()["host_id"]


def put(host_id: str, text: object, task: str = "dockernet.operate") -> None:
    """Put a task into the host's queue as Celery does, with any name and argument."""
    from dockernet_site.celery import app

    app.send_task(task, args=[text], queue=dispatch._queue(queue_name(host_id)))


def test_the_agent_does_nothing_for_what_was_captured(agent: RealAgent) -> None:
    key, host_id = captured(agent)
    look = seal(key, TO_HOST, host_id, ObserveRequest("r"))
    job = job_of(1)
    wrong = attrs.evolve(job.plan, digest="0" * 64)
    with at_time(datetime.now(UTC) - timedelta(days=2)):
        old = seal(key, TO_HOST, host_id, ObserveRequest("old"))
    payload = json.loads(base64.urlsafe_b64decode(look.partition(".")[0]))
    payload["body"]["request_id"] = "altered"
    altered = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode()
    hostile = {
        "replayed": [look],
        "expired": [old, seal(key, TO_HOST, host_id, attrs.evolve(job, expires_at=_past()))],
        "foreign": [seal(key, TO_HOST, "0" * 12, job)],
        "bad-signature": [
            f"{altered}.{look.partition('.')[2]}",
            seal(b"y" * 32, TO_HOST, host_id, job),
        ],
        "altered": [seal(key, TO_HOST, host_id, attrs.evolve(job, plan=wrong))],
        "unknown-type": [seal(key, TO_HOST, host_id, Heartbeat("1", "b"))],
    }
    put(host_id, look)
    for texts in hostile.values():
        for text in texts:
            put(host_id, text)
    put(host_id, seal(key, TO_HOST, host_id, job), task="os.system")
    put(host_id, seal(key, TO_HOST, host_id, CancelRequest("f" * 32, "mallory")))
    wait_until(lambda: set(codes("message.refused")) == set(hostile), 20)
    calls = (agent.place.state / "calls").read_text().split("\n")
    assert set(calls) <= {"observe", ""}
    assert not list(agent.place.jobs.glob("*"))
    assert agent.process is not None
    assert agent.process.poll() is None


def _past() -> str:
    return (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
