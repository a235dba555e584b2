"""The broker as the site uses it, and what each host may do on it.

The same for the embedded one and for an external REDIS_URL, whose user must then be allowed `ACL`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import redis
from django.conf import settings

from dockernet_site.broker_link import tls_options
from hosts.bundle import BROKER_CA
from hosts.models import Host
from netops.engine.errors import OperationFailed
from netops.wire import queue_name, stream_name

EVENTS_CHANNEL = "dn:site:events"
HOSTS_CHANNEL = "dn:site:hosts"
CONTROL_STREAM = "dn:site:control"

# What the lean Celery worker and the emitter of a host need, and nothing else (measured with
# ACL LOG; tests/site/test_broker_acl.py): some that name no key, some on its queue, one on its
# stream. Not all on both: an XADD to its queue would make that a stream, which takes no message.
HOST_COMMANDS = ("+ping", "+select", "+client|setinfo", "+hello", "+multi", "+exec")
QUEUE_COMMANDS, STREAM_COMMANDS = ("+llen", "+brpop"), ("+xadd",)


class BrokerAway(OperationFailed):
    """The broker does not answer; what was asked is kept and tried again."""

    def __init__(self, message: str = "The broker does not answer.") -> None:
        super().__init__(message, "Wait a moment and try again; `./dockernet up` restarts it.")


@cache
def client() -> redis.Redis:
    """Return this process's pooled client of the broker, as the user `site`."""
    if not settings.REDIS_URL:
        raise BrokerAway("There is no broker: start `./dockernet up` or set REDIS_URL.")
    return redis.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_connect_timeout=2,
        socket_timeout=5,
        health_check_interval=30,
        **tls_options(settings.REDIS_URL, settings.DOCKERNET_BROKER_CA),
    )


def host_user(host_id: str) -> str:
    """Return the name of the broker's user for a host."""
    return f"h-{host_id}"


def password_digest(password: str) -> str:
    """Return the SHA-256 (hex) that Redis takes in place of a password (`ACL SETUSER ... #`)."""
    return hashlib.sha256(password.encode()).hexdigest()


def acl_rules(host: Host) -> list[str]:
    """Return the ACL SETUSER rules of a host (https://redis.io/docs/latest/operate/oss_and_stack/
    management/security/acl/): its own queue and stream, no channel, the few commands of each."""
    digests = [d for d in (host.broker_digest, host.next_broker_digest) if d]
    passwords = [f"#{digest}" for digest in digests]
    queue = _selector(QUEUE_COMMANDS, queue_name(host.pk))
    stream = _selector(STREAM_COMMANDS, stream_name(host.pk))
    return ["reset", "on", *passwords, "resetchannels", *HOST_COMMANDS, queue, stream]


def _selector(commands: tuple[str, ...], key: str) -> str:
    """A second set of rights of one user (Redis 7), for one key."""
    return f"({' '.join(commands)} ~{key})"


def acl_apply(host: Host) -> None:
    """Let the host in with its password, at once; raises BrokerAway."""
    try:
        _acl("SETUSER", host_user(host.pk), *acl_rules(host))
        _acl_save()
    except redis.RedisError as error:
        raise BrokerAway(f"The broker did not take the host's user ({error}).") from error


def connections_close(host: Host) -> None:
    """End all connections of the host's user, whoever holds them; raises BrokerAway."""
    try:
        client().execute_command("CLIENT", "KILL", "USER", host_user(host.pk))  # type: ignore[no-untyped-call]
    except redis.RedisError as error:
        raise BrokerAway(f"The broker did not end connections ({error}).") from error


def acl_remove(host: Host) -> None:
    """Lock the host out at once (its connections are closed) and forget its queue and stream."""
    try:
        _acl("DELUSER", host_user(host.pk))
        _acl_save()
        client().delete(queue_name(host.pk), stream_name(host.pk))
    except redis.RedisError as error:
        raise BrokerAway(f"The broker did not drop the host's user ({error}).") from error


def acl_apply_all(hosts: Iterable[Host]) -> None:
    """Make the broker's users h-* those of `hosts`; raises redis.RedisError.

    One of a host that is being enrolled right now stays: it is not in the database yet.
    """
    wanted = {host_user(host.pk): acl_rules(host) for host in hosts if host.broker_digest}
    known = [str(name) for name in _acl("USERS")]
    extra = {name for name in known if name.startswith("h-") and name not in wanted}
    pending = Host.objects.filter(pk__in=[name[2:] for name in extra], revoked_at=None)
    extra -= {host_user(pk) for pk in pending.values_list("pk", flat=True)}
    for name, rules in wanted.items():
        _acl("SETUSER", name, *rules)
    if extra:
        _acl("DELUSER", *extra)
    _acl_save()


def _acl(*words: str) -> Any:
    return client().execute_command("ACL", *words)  # type: ignore[no-untyped-call]


def _acl_save() -> None:
    acl_keep(client())


def acl_keep(link: redis.Redis) -> bool:
    """Keep the users over a restart, where the broker has an ACL file (the embedded one has);
    False if it has none or `link` may not."""
    try:
        link.execute_command("ACL", "SAVE")  # type: ignore[no-untyped-call]
    except redis.ResponseError:
        return False
    return True


def host_broker_url(host: Host, password: str) -> str:
    """Return the URL by which the host reaches the broker, with its own user and password."""
    base = urlsplit(settings.DOCKERNET_BROKER_PUBLIC_URL or settings.REDIS_URL)
    place = f"[{base.hostname}]" if ":" in (base.hostname or "") else base.hostname or "127.0.0.1"
    netloc = f"{host_user(host.pk)}:{quote(password, safe='')}@{place}:{base.port or 6379}"
    return urlunsplit((base.scheme, netloc, base.path or "/0", base.query, ""))


def host_broker_ca() -> str:
    """Return the name of the file of certificates that hosts get, "" where they need none."""
    url = settings.DOCKERNET_BROKER_PUBLIC_URL or settings.REDIS_URL
    return BROKER_CA if settings.DOCKERNET_BROKER_CA and url.startswith("rediss:") else ""


def answers() -> bool:
    """True if the broker answers at all, whatever it says."""
    try:
        client().ping()
    except redis.ResponseError:
        return True
    except (redis.RedisError, BrokerAway):
        return False
    return True


def wake_ingest() -> None:
    """Tell every ingest that the set of hosts changed; without a broker there is none to tell."""
    try:
        client().xadd(CONTROL_STREAM, {"hosts": "1"}, maxlen=100)
    except (redis.RedisError, BrokerAway):
        return


def announce(channel: str, messages: Iterable[str]) -> None:
    """Publish to the live views. Nobody depends on it: they read the database when it is lost."""
    try:
        with client().pipeline(transaction=False) as pipe:
            for message in messages:
                pipe.publish(channel, message)
            pipe.execute()
    except (redis.RedisError, BrokerAway):
        return


def announce_host(host_id: str) -> None:
    """Tell the live views that a host's status or observation changed."""
    announce(HOSTS_CHANNEL, [json.dumps({"host": host_id})])
