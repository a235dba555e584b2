"""With a host's own password, on its own stream: what would silence it, or fill the broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from audit.models import Entry
from hosts.models import Host
from hosts.services import broker_access
from hosts.services.trouble import Troubles
from netops.ingest import watch
from netops.wire import Heartbeat, stream_name
from tests.site.fake_host import FakeHost, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
LAST = "18446744073709551615-18446744073709551615"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "EVERY_S", 0.2)


def codes() -> list[str]:
    return [e.data["code"] for e in Entry.objects.filter(action="message.dropped").order_by("id")]


def test_a_host_whose_numbers_are_used_up_is_heard_again(fake: FakeHost) -> None:
    name = stream_name(fake.config.host_id)
    # In one transaction: the ingest mends the stream within moments.
    used_up = fake.broker.pipeline()
    used_up.execute_command("XADD", name, "MAXLEN", "0", LAST, "m", "x")
    used_up.execute_command("XADD", name, "*", "m", "x")
    with pytest.raises(redis.ResponseError, match=r"equal or smaller|exhausted"):
        used_up.execute()
    wait_until(lambda: _takes(fake, Heartbeat("2.0", "boot-2")))
    wait_until(lambda: Host.objects.get().agent_version == "2.0")
    wait_until(lambda: codes() == ["stream-numbers"])


def test_also_one_whose_last_number_was_read(fake: FakeHost) -> None:
    """The cursor then stands behind everything that can come."""
    name = stream_name(fake.config.host_id)
    text = fake.sealed(Heartbeat("1.5", "boot-1"))
    fake.broker.execute_command("XADD", name, LAST, "m", text)
    wait_until(lambda: _takes(fake, Heartbeat("2.0", "boot-2")))
    wait_until(lambda: Host.objects.get().agent_version == "2.0")
    assert Host.objects.get().heard_entry != LAST


def test_a_stream_of_hours_ahead_stays(fake: FakeHost) -> None:
    """The broker's clock may be another than the site's."""
    ahead = int(broker_access.client().time()[0]) * 1000 + 12 * 3600 * 1000  # type: ignore[index]
    name = stream_name(fake.config.host_id)
    fake.broker.execute_command("XADD", name, f"{ahead}-0", "m", "x")
    fake.say(Heartbeat("2.0", "boot-2"))
    wait_until(lambda: Host.objects.get().agent_version == "2.0")
    wait_until(lambda: _looked(fake))
    assert int(_info(name)["last-generated-id"].partition("-")[0]) >= ahead
    assert not Entry.objects.filter(data__code="stream-numbers").exists()


def test_a_flood_is_let_off_and_its_sender_thrown_out(
    enrol: Callable[..., FakeHost], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MOST_BYTES", 1_000_000)
    fake, other, site = enrol("web-1"), enrol("web-2"), broker_access.client()
    names = [stream_name(one.config.host_id) for one in (fake, other)]
    other.beat()
    for _ in range(20):
        fake.say_text("x" * 100_000)
    before, others = _connections(site, fake), _connections(site, other)
    cursors = {names[0]: "9999999999999-0", names[1]: "0-1", broker_access.CONTROL_STREAM: "5-0"}
    looked = watch.StreamWatch(Troubles()).look(site, dict(cursors))
    assert looked == {**cursors, names[0]: "0"}
    assert (site.exists(names[0]), site.xlen(names[1])) == (0, 1)
    assert codes() == ["flood"]
    assert before
    assert not before & _connections(site, fake)
    assert others == _connections(site, other)


def test_without_the_right_to_look_nothing_is_touched(enrol: Callable[..., FakeHost]) -> None:
    """A site's user on a broker of its own has the rights that an older version printed."""
    fake, site = enrol(), broker_access.client()
    fake.beat()
    name = stream_name(fake.config.host_id)
    cursors = {name: "9999999999999-0"}
    assert watch.StreamWatch(Troubles()).look(fake.broker, dict(cursors)) == cursors
    assert site.xlen(name) == 1
    assert codes() == []


def _connections(site: Any, fake: FakeHost) -> set[str]:
    user = f"h-{fake.config.host_id}"
    return {c["id"] for c in site.client_list() if c["user"] == user}


def _info(name: str) -> Any:
    return broker_access.client().xinfo_stream(name)


def _looked(fake: FakeHost) -> bool:
    return broker_access.client().xlen(stream_name(fake.config.host_id)) == 0


def _takes(fake: FakeHost, body: object) -> bool:
    try:
        fake.say(body)
    except redis.RedisError:
        return False
    return True
