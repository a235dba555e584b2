"""With a host's own credentials: every command of the broker, every key, every channel."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from redis.exceptions import NoPermissionError

from audit.models import Entry
from hosts.models import Host
from hosts.services import broker_access, host_revoke
from netops.wire import Heartbeat, queue_name, stream_name
from people.models import User
from tests.site.fake_host import FakeHost, wait_until

Enrol = Callable[..., FakeHost]
# What a host may call at all. AUTH, HELLO, QUIT and RESET are open to everybody who connects, and
# are how one becomes another user, with that user's password (redis.io, ACL).
OPEN = {"ping", "select", "client|setinfo", "hello", "llen", "multi", "exec", "brpop", "xadd"}
FOR_ALL = {"auth", "quit", "reset"}


def every_command(site: Any) -> list[str]:
    """All commands and subcommands of this broker, in words ("acl|list")."""
    names: list[str] = []
    for entry in site.execute_command("COMMAND").values():
        subcommands = entry.get("subcommands") or []
        names += [_text(s[0]) for s in subcommands] or [_text(entry["name"])]
    return sorted({name.lower() for name in names})


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.mark.django_db
def test_every_command_of_the_broker_is_refused_but_a_few(enrol: Enrol) -> None:
    fake, site = enrol(), broker_access.client()
    names = every_command(site)
    assert len(names) > 200
    user, may = f"h-{fake.config.host_id}", set()
    for name in names:
        # Many ask for arguments before they ask for rights: DRYRUN asks for rights alone.
        if _may(site, user, name):
            may.add(name)
    assert may - FOR_ALL == OPEN


def _may(site: Any, user: str, name: str) -> bool:
    """True if the user's rights let the command itself through, whatever its keys."""
    for arguments in (["1"] * count for count in range(12)):
        try:
            answer = site.execute_command("ACL", "DRYRUN", user, *name.split("|"), *arguments)
        except redis.ResponseError as error:
            if "wrong number of arguments" in str(error).lower():
                continue
            raise
        return "permissions to run the" not in _text(answer)
    raise AssertionError(f"{name} could not be tried")


@pytest.mark.django_db
def test_every_command_is_really_refused(enrol: Enrol) -> None:
    """The same over the thief's own connection, with what arguments get that far."""
    thief, other, site = enrol("web-1"), enrol("web-2"), broker_access.client()
    keys = [queue_name(other.config.host_id), stream_name(other.config.host_id), "dn:site:q"]
    before = sorted(site.keys()), site.acl_list()
    for name in every_command(site):
        if name in OPEN | FOR_ALL:
            continue
        for arguments in ((), (keys[0],), (keys[1], "x"), (keys[2], "x", "y")):
            with pytest.raises(redis.ResponseError) as refused:
                thief.broker.execute_command(*name.split("|"), *arguments)
            # Counted, or forbidden by the broker's own configuration (DEBUG), before rights are.
            told = str(refused.value)
            early = "number of arguments" in told or "command not allowed" in told
            assert early or isinstance(refused.value, NoPermissionError), f"{name}: {told}"
    assert (sorted(site.keys()), site.acl_list()) == before


@pytest.mark.django_db
def test_every_other_key_is_refused(enrol: Enrol) -> None:
    thief, other, site = enrol("web-1"), enrol("web-2"), broker_access.client()
    own = {queue_name(thief.config.host_id), stream_name(thief.config.host_id)}
    theirs = [queue_name(other.config.host_id), stream_name(other.config.host_id)]
    sites = ["dn:site:q", "dn:site:control", "dn:site:dead", "dn:site:sweep", "_kombu.binding.x"]
    near = [f"{name}x" for name in own] + [name.upper() for name in own] + ["", "*", "dn:*"]
    for key in [*theirs, *sites, *near]:
        for words in (("BRPOP", key, "1"), ("XADD", key, "*", "m", "x"), ("LLEN", key)):
            with pytest.raises(NoPermissionError):
                thief.broker.execute_command(*words)
        with pytest.raises(NoPermissionError):
            thief.broker.execute_command("BRPOP", next(iter(own)), key, "1")
    for base in (1, 15):
        link = redis.Redis.from_url(thief.config.broker_url.removesuffix("/0") + f"/{base}")
        with pytest.raises(NoPermissionError):
            link.execute_command("XADD", theirs[1], "*", "m", "x")
    assert set(site.keys()) <= {"dn:site:control", *own}


@pytest.mark.django_db
def test_each_of_its_own_keys_takes_only_its_own_commands(enrol: Enrol) -> None:
    """An XADD to the queue would make that a stream, which no message gets into again."""
    thief, site = enrol("web-1"), broker_access.client()
    queue, stream = queue_name(thief.config.host_id), stream_name(thief.config.host_id)
    refused = [("XADD", queue, "*", "m", "x"), ("XADD", queue, "NOMKSTREAM", "*", "m", "x")]
    refused += [("LLEN", stream), ("BRPOP", stream, "1"), ("BRPOP", queue, stream, "1")]
    for words in refused:
        with pytest.raises(NoPermissionError):
            thief.broker.execute_command(*words)
    pipe = thief.broker.pipeline(transaction=True)
    pipe.llen(queue).xadd(queue, {"m": "x"})
    with pytest.raises(redis.RedisError):
        pipe.execute()
    assert site.keys() in (["dn:site:control"], [])
    assert thief.broker.llen(queue) == 0
    thief.broker.xadd(stream, {"m": "x"})
    assert site.xlen(stream) == 1


@pytest.mark.django_db
def test_every_channel_is_refused(enrol: Enrol) -> None:
    thief = enrol("web-1")
    channels = [broker_access.EVENTS_CHANNEL, broker_access.HOSTS_CHANNEL, "*", "x"]
    channels += [f"__keyspace@0__:{queue_name(thief.config.host_id)}", "__keyevent@0__:del"]
    for channel in channels:
        for verb in ("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"):
            with pytest.raises(NoPermissionError):
                thief.broker.execute_command(verb, channel)
        for verb in ("PUBLISH", "SPUBLISH"):
            with pytest.raises(NoPermissionError):
                thief.broker.execute_command(verb, channel, "x")


@pytest.mark.django_db(transaction=True)
def test_a_revoked_host_is_cut_off_in_the_middle_of_what_it_does(
    fake: FakeHost, people: dict[str, User]
) -> None:
    host, site = Host.objects.get(), broker_access.client()
    link = raw_connection(fake.config.broker_url)
    link.sendall(f"BRPOP {queue_name(host.pk)} 0\r\n".encode())
    wait_until(lambda: "brpop" in str(site.client_list()))
    text = fake.sealed(Heartbeat("evil", "evil"))
    start = time.monotonic()
    host_revoke(user=people["admin"], host=host)
    assert link.recv(1000) == b""
    assert time.monotonic() - start < 2
    with pytest.raises(redis.RedisError):
        fake.say_text(text)
    site.xadd(stream_name(host.pk), {"m": text})
    time.sleep(0.5)
    assert Host.objects.get().agent_version == "1.0"
    assert not Entry.objects.filter(action__startswith="message.").exists()


def raw_connection(url: str) -> socket.socket:
    """A logged-in connection that does not come back by itself."""
    user, _, rest = url.removeprefix("redis://").partition(":")
    password, _, place = rest.partition("@")
    name, _, port = place.removesuffix("/0").partition(":")
    link = socket.create_connection((name, int(port)), timeout=5)
    link.sendall(f"AUTH {user} {password}\r\n".encode())
    assert link.recv(100) == b"+OK\r\n"
    return link
