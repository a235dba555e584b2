"""New keys for a host: taken by the real agent, and no moment at which it is locked out."""

from __future__ import annotations

import re

import pytest
import redis

from audit.models import Entry
from hosts.models import Host
from hosts.services import broker_access, host_rotate
from hosts.services.rotation import rotation_finish, rotation_send
from netops.engine.errors import MessageRejected, Refused
from netops.keys import keys_make, keys_pack, keys_unpack
from netops.wire import TO_SITE, Heartbeat, RotateKeys, seal, stream_name
from people.errors import Conflict
from people.models import User
from tests.faults.conftest import RealAgent
from tests.site.fake_host import FakeHost, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_takes_new_keys_and_the_old_ones_are_worth_nothing(
    agent: RealAgent, people: dict[str, User]
) -> None:
    before, old = agent.config(), Host.objects.get()
    thief = redis.Redis.from_url(before["broker_url"])
    thief.ping()
    host_rotate(user=people["admin"], host=old)
    wait_until(lambda: not Host.objects.get().next_secret, 30)
    after, host = agent.config(), Host.objects.get()
    assert host.secret != old.secret
    assert (after["secret"], host.rotation) == (host.secret, None)
    assert after["broker_url"] != before["broker_url"]
    wait_until(lambda: agent.config()["old_secret"] == "", 20)
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(before["broker_url"]).ping()
    with pytest.raises((redis.ConnectionError, redis.AuthenticationError)):
        thief.ping()
    assert agent.process is not None
    assert agent.process.poll() is None
    said = list(
        Entry.objects.filter(action__startswith="host.keys").values_list("action", flat=True)
    )
    assert sorted(said) == ["host.keys_asked", "host.keys_rotated"]
    assert not Entry.objects.filter(action__startswith="message.").exists()


def test_an_agent_killed_with_new_keys_on_disk_comes_back_with_them(
    agent: RealAgent, people: dict[str, User]
) -> None:
    from netops.agent.config import config_load
    from netops.agent.rotate import keys_take
    from netops.engine.serial import from_json

    agent.kill()
    host = host_rotate(user=people["admin"], host=Host.objects.get())
    old = config_load(agent.place.config)
    keys_take(agent.place.config, old, from_json(RotateKeys, host.rotation))
    agent.start()
    wait_until(lambda: not Host.objects.get().next_secret, 30)
    assert Host.objects.get().secret == agent.config()["secret"] != old.secret


def test_until_the_proof_both_keys_and_both_passwords_are_good(
    fake: FakeHost, people: dict[str, User]
) -> None:
    host = host_rotate(user=people["admin"], host=Host.objects.get())
    asked = wait_until(fake.receive)
    assert isinstance(asked, RotateKeys)
    keys = keys_unpack(fake.key, asked)
    assert keys.secret == host.next_secret
    fake.say(Heartbeat("2.0", "b"))
    wait_until(lambda: Host.objects.get().agent_version == "2.0")
    assert Host.objects.get().next_secret
    fresh = f"redis://h-{host.pk}:{keys.password}@" + fake.config.broker_url.rpartition("@")[2]
    link = redis.Redis.from_url(fresh)
    text = seal(bytes.fromhex(keys.secret), TO_SITE, host.pk, Heartbeat("3.0", "b"))
    link.xadd(stream_name(host.pk), {"m": text})
    wait_until(lambda: Host.objects.get().agent_version == "3.0")
    wait_until(lambda: not Host.objects.get().next_secret)
    assert not rotation_finish(host=host)
    broker_access.client().xadd(stream_name(host.pk), {"m": fake.sealed(Heartbeat("evil", "b"))})
    wait_until(lambda: Entry.objects.filter(action="message.forged").exists())
    assert Host.objects.get().agent_version == "3.0"


def test_it_is_not_asked_twice_nor_by_just_anyone(fake: FakeHost, people: dict[str, User]) -> None:
    host = Host.objects.get()
    for name in ("alice", "bob", "carol"):
        with pytest.raises(Refused):
            host_rotate(user=people[name], host=host)
    assert Host.objects.get().next_secret == ""
    host_rotate(user=people["admin"], host=host)
    first = Host.objects.get()
    with pytest.raises(Conflict):
        host_rotate(user=people["admin"], host=host)
    assert Host.objects.get().next_secret == first.next_secret
    assert rotation_send(host=first)
    assert fake.receive() == fake.receive()


def test_what_travels_shows_nothing_of_the_keys(fake: FakeHost) -> None:
    keys = keys_make()
    message = keys_pack(fake.key, keys)
    assert keys.secret not in message.box
    assert not re.search(keys.password, str(message))
    assert keys_unpack(fake.key, message) == keys
    assert keys_unpack(b"x" * 32, message) != keys
    assert keys_pack(fake.key, keys).box != message.box
    for bad in ("", "zz", message.box[2:]):
        with pytest.raises(MessageRejected):
            keys_unpack(fake.key, RotateKeys("r", message.nonce, bad))
