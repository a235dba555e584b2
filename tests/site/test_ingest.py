"""From the hosts' streams to the database, over a real broker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from dockernet_site.broker import EmbeddedBroker
from hosts.models import Host, Observation
from hosts.services import broker_access
from netops.engine.observed import Observed
from netops.engine.serial import from_json
from netops.ingest import batch as batch_module
from netops.models import Change, Event, Job
from netops.services import change_approve, change_request
from netops.states import State
from netops.wire import MAX_BYTES, TO_HOST, Heartbeat, PlanRequest, ResendRequest, seal, stream_name
from people.models import User
from tests.site.fake_host import FakeHost, event_of, wait_until
from tests.site.real_broker import RealBroker
from tests.site.rows import SPEC, history, plan_of

pytestmark = pytest.mark.django_db(transaction=True)


def drained(fake: FakeHost) -> bool:
    return broker_access.client().xlen(stream_name(fake.config.host_id)) == 0


def test_it_sees_a_new_host_at_once(fake: FakeHost, enrol: Callable[..., FakeHost]) -> None:
    other = enrol("web-2")
    start = time.monotonic()
    other.beat()
    wait_until(lambda: Host.objects.get(name="web-2").is_online)
    assert time.monotonic() - start < 1.0
    row = Host.objects.get(name="web-2")
    assert (row.agent_version, row.boot_id) == ("1.0", "boot-1")


def test_it_keeps_an_observation_and_a_row_of_history_only_when_something_changed(
    fake: FakeHost, recorded: Callable[[str], Any]
) -> None:
    data = recorded("sysv")

    def report(at: str, **changed: Any) -> None:
        fake.observed(from_json(Observed, {**data, "at": at, **changed}), "periodic")
        wait_until(lambda: drained(fake))

    report("2026-01-01T10:00:00+00:00")
    report("2026-01-01T10:01:00+00:00")
    host = Host.objects.get()
    assert Observation.objects.count() == 1
    assert host.observed["at"] == "2026-01-01T10:01:00+00:00"
    assert host.docker_version == data["daemon"]["version"]
    bridge = next(n for n in data["networks"] if n["name"] == "bridge")
    assert host.subnet == bridge["subnets"][0]
    moved = [
        {**a, "interface": "10.1.0.1/24"} if a["link"] == "docker0" else a
        for a in data["addresses"]
    ]
    report("2026-01-01T10:02:00+00:00", addresses=moved)
    assert Host.objects.get().subnet == "10.1.0.0/24"
    latest = Observation.objects.first()
    assert latest is not None
    assert Observation.objects.count() == 2
    assert "10.1.0.1/24" in latest.summary
    assert latest.cause == "periodic"


def forged(fake: FakeHost, other: FakeHost) -> dict[str, str]:
    """Messages that are not truly from the host."""
    own, beat = fake.config.host_id, Heartbeat("evil", "evil")
    good = fake.sealed(beat)
    return {
        "empty": "",
        "garbage": "\x00\xff{}[]" * 50,
        "no signature": good.partition(".")[0],
        "wrong key": seal(b"x" * 32, "to-site", own, beat),
        "of another host": other.sealed(beat),
        "wrong direction": seal(fake.key, TO_HOST, own, beat),
        "altered": good[:20] + ("A" if good[20] != "A" else "B") + good[21:],
        "too long": "A" * (MAX_BYTES + 1),
        "for hosts only": fake.sealed(ResendRequest("x", 0)),
    }


def test_it_drops_what_is_forged_and_goes_on(
    fake: FakeHost, enrol: Callable[..., FakeHost]
) -> None:
    for text in forged(fake, enrol("web-2")).values():
        fake.say_text(text)
    broker_access.client().xadd(stream_name(fake.config.host_id), {"other": "field"})
    wait_until(lambda: drained(fake))
    host = Host.objects.get(name="web-1")
    assert (host.agent_version, host.boot_id) == ("1.0", "boot-1")
    assert Host.objects.get(name="web-2").last_seen_at is None
    fake.beat()
    wait_until(lambda: drained(fake))
    assert broker_access.client().xlen("dn:site:dead") == 0


def test_it_outlives_raw_bytes_that_a_host_puts_on_its_stream(fake: FakeHost) -> None:
    raw: Any = {b"\xff\xfe": b"\xff", b"m": b"\x80abc"}
    fake.broker.xadd(stream_name(fake.config.host_id), raw)
    fake.say(Heartbeat("2.0", "boot-2"))
    wait_until(lambda: Host.objects.get().agent_version == "2.0")
    wait_until(lambda: drained(fake))


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "x" * 300])
def test_it_outlives_any_text_in_a_heartbeat(fake: FakeHost, text: str) -> None:
    fake.say(Heartbeat(text, text, text))
    fake.say(Heartbeat("2.0", "boot-2"))
    wait_until(lambda: Host.objects.get().agent_version == "2.0")


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_it_survives_any_body_that_a_host_signs(fake: FakeHost, body: Any) -> None:
    import base64
    import hmac
    import json

    from netops.wire import _key

    for kind in ("Heartbeat", "ObservationReport", "PlanReport", "JobEvent", "JobRefused", "X"):
        envelope = {
            **{"v": 1, "type": kind, "host": fake.config.host_id, "id": "1", "at": "x"},
            "body": body,
        }
        payload = json.dumps(envelope).encode()
        mac = hmac.digest(_key(fake.key, "to-site"), payload, "sha256")
        fake.say_text(".".join(base64.urlsafe_b64encode(x).decode() for x in (payload, mac)))
    wait_until(lambda: drained(fake))
    assert Host.objects.get().agent_version == "1.0"


def test_it_does_the_whole_way(fake: FakeHost, people: dict[str, User]) -> None:
    host = Host.objects.get()
    change = change_request(user=people["alice"], host=host, kind="subnet", spec=SPEC, reason="VPN")
    asked = fake.receive()
    assert isinstance(asked, PlanRequest)
    assert (asked.change_id, asked.round, asked.spec) == (change.pk, 1, SPEC)
    plan = plan_of()
    fake.planned(change.pk, plan)
    wait_until(lambda: Change.objects.get().state == State.AWAITING_APPROVAL)
    change_approve(user=people["bob"], change=change, plan_digest=plan.digest)
    job = fake.receive()
    assert (job.change_id, job.plan, job.spec) == (change.pk, plan, plan.spec)
    assert Job.objects.get().dispatched_at is not None
    fake.told(job, 1, "state", state="running")
    fake.beat(job.job_id)
    wait_until(lambda: Change.objects.get().state == State.RUNNING)
    for seq, type_ in enumerate(["step_started", "output", "step_done"], 2):
        fake.told(job, seq, type_, step=1)
    fake.told(job, 5, "end", "Done.", state="succeeded", outage_s=1.5, containers=[])
    wait_until(lambda: Change.objects.get().state == State.SUCCEEDED)
    wait_until(lambda: drained(fake))
    assert [row[1] for row in history(Change.objects.get())] == [
        *("state", "state", "state", "state", "step_started", "output", "step_done", "end")
    ]


@pytest.fixture
def running(fake: FakeHost, people: dict[str, User]) -> Any:
    """A job that the host has."""
    host, plan = Host.objects.get(), plan_of()
    change = change_request(user=people["alice"], host=host, kind="subnet", spec=SPEC, reason="VPN")
    fake.receive()
    fake.planned(change.pk, plan)
    wait_until(lambda: Change.objects.get().state == State.AWAITING_APPROVAL)
    change_approve(user=people["bob"], change=change, plan_digest=plan.digest)
    return fake.receive()


def test_it_asks_for_what_is_missing(fake: FakeHost, running: Any) -> None:
    fake.told(running, 1, "state", state="running")
    fake.told(running, 4, "end", state="succeeded")
    asked = fake.receive()
    assert asked == ResendRequest(running.job_id, 1)
    assert Change.objects.get().state == State.RUNNING
    for seq in (2, 3):
        fake.told(running, seq, "output", step=1)
    fake.told(running, 4, "end", state="succeeded")
    wait_until(lambda: Change.objects.get().state == State.SUCCEEDED)
    history(Change.objects.get())


def test_it_loses_nothing_while_it_is_away(
    fake: FakeHost, running: Any, broker_server: RealBroker
) -> None:
    """The broker is killed twice; what it had taken is on its disk, the rest the host repeats."""
    events = [event_of(running, seq, "output", f"line {seq}", step=1) for seq in range(1, 60)]
    events.append(event_of(running, 60, "end", state="succeeded"))
    for number, one in enumerate(events):
        if number in (20, 40):
            broker_server.stop()
            broker_server.start()
        try:
            fake.say(one)
        except Exception:
            fake.say(one)
    wait_until(lambda: fake_catches_up(fake, events), 20)
    rows = list(Event.objects.filter(job_id=running.job_id).order_by("job_seq"))
    assert [row.job_seq for row in rows] == list(range(1, 61))
    assert [row.message for row in rows[:59]] == [f"line {seq}" for seq in range(1, 60)]


def fake_catches_up(fake: FakeHost, events: list[Any]) -> bool:
    """As the agent does: sends again what it is asked for."""
    if Change.objects.get().state == State.SUCCEEDED:
        return True
    asked = fake.receive(1)
    if isinstance(asked, ResendRequest):
        for one in events[asked.after :]:
            fake.say(one)
    elif asked is None:
        fake.say(events[-1])
    return False


def test_it_sets_aside_what_our_own_code_fails_on(
    fake: FakeHost, monkeypatch: pytest.MonkeyPatch, recorded: Callable[[str], Any]
) -> None:
    def broken(**_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(batch_module, "observation_store", broken)
    fake.observed(from_json(Observed, recorded("sysv")))
    wait_until(lambda: drained(fake))
    assert broker_access.client().xlen("dn:site:dead") == 1
    Host.objects.update(last_seen_at=None)
    fake.beat()
    wait_until(lambda: Host.objects.get().is_online)


def test_it_deletes_nothing_that_the_database_did_not_take(
    fake: FakeHost, monkeypatch: pytest.MonkeyPatch, recorded: Callable[[str], Any]
) -> None:
    from django.db import OperationalError

    tried: list[int] = []
    real = batch_module.observation_store

    def away_twice(**kwargs: Any) -> bool:
        tried.append(1)
        if len(tried) < 3:
            raise OperationalError("the disk is full")
        return real(**kwargs)

    monkeypatch.setattr(batch_module, "observation_store", away_twice)
    fake.observed(from_json(Observed, recorded("sysv")))
    wait_until(lambda: Host.objects.get().observed is not None)
    assert len(tried) == 3
    wait_until(lambda: drained(fake))


def test_it_asks_a_host_that_is_back_about_its_lost_job(fake: FakeHost, running: Any) -> None:
    fake.told(running, 1, "state", state="running")
    wait_until(lambda: drained(fake))
    Change.objects.update(state=State.UNKNOWN)
    Host.objects.update(last_seen_at=None, went_offline_at=timezone.now())
    fake.beat()
    assert fake.receive() == ResendRequest(running.job_id, 1)


def test_it_stops_listening_to_a_host_that_was_locked_out(
    fake: FakeHost, people: dict[str, User], settings: Settings, broker: EmbeddedBroker
) -> None:
    from hosts.services import host_revoke

    host_revoke(user=people["admin"], host=Host.objects.get())
    Host.objects.update(secret=fake.config.secret)
    text = fake.sealed(Heartbeat("evil", "evil"))
    broker_access.client().xadd(stream_name(fake.config.host_id), {"m": text})
    time.sleep(0.5)
    assert Host.objects.get().agent_version == "1.0"
