"""Sealed messages into the queue of one host."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import redis
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError

from dockernet_site.celery import app
from hosts.models import Host
from hosts.services.broker_access import BrokerAway, client
from netops.wire import TASK, TO_HOST, queue_name, seal
from people.errors import Conflict

log = logging.getLogger(__name__)
T = TypeVar("T")
_RETRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}


def send(*, host: Host, body: object, task_id: str | None = None) -> None:
    """Put `body` (one of `netops.wire.BODIES`), sealed, into the host's queue.

    `task_id` names the entry, so that `take_back` finds it. Raises BrokerAway,
    Conflict for a host without keys.
    """
    client()
    # As it is now, not as it was when `host` was read: keys change, hosts are revoked.
    secrets = Host.objects.filter(pk=host.pk, revoked_at=None).values_list("secret", flat=True)
    secret = secrets.first()
    if not secret:
        raise Conflict("host-gone", f"{host.name} is revoked or not enrolled.", "host")
    sealed = seal(bytes.fromhex(secret), TO_HOST, host.pk, body)

    def put() -> None:
        app.send_task(
            TASK,
            args=[sealed],
            task_id=task_id,
            queue=_queue(queue_name(host.pk)),
            retry=True,
            retry_policy=_RETRY,
            ignore_result=True,
        )

    try:
        _on_a_list(queue_name(host.pk), put)
    except (OperationalError, redis.RedisError, OSError) as error:
        raise BrokerAway() from error


def _on_a_list(key: str, call: Callable[[], T]) -> T:
    """Return what `call` returns; a key that is no list, so that it would fail for ever, goes.

    No host may make it one now; a broker that ran with older rules may still hold such a key.
    """
    try:
        return call()
    except (OperationalError, redis.RedisError) as error:
        if "WRONGTYPE" not in str(error):
            raise
        log.warning("%s is not a queue; deleting it", key)
    client().delete(key)
    return call()


def _queue(name: str) -> Any:
    """The host's queue as Celery wants it named: with exchange and routing key alone it would put
    the task into the site's own default queue (celery/app/amqp.py)."""
    return Queue(name, Exchange(""), routing_key=name, no_declare=True)  # type: ignore[no-untyped-call]


def waiting(*, host: Host) -> int:
    """Return how many messages the host has not fetched yet; raises BrokerAway."""
    key = queue_name(host.pk)
    try:
        return int(_on_a_list(key, lambda: client().llen(key)))
    except redis.RedisError as error:
        raise BrokerAway() from error


def take_back(*, host: Host, task_id: str) -> bool:
    """Remove every entry `task_id` from the host's queue: a push whose answer was lost may have got
    through, and then there are two.

    True means that the host never had it and never will. Raises BrokerAway.
    """
    key, found = queue_name(host.pk), False
    try:
        for entry in _entries(host, task_id):
            found = bool(client().lrem(key, 0, entry)) or found
    except redis.RedisError as error:
        raise BrokerAway() from error
    return found


def holds(*, host: Host, task_id: str) -> bool:
    """Return whether the host has yet to fetch the entry `task_id`; raises BrokerAway."""
    try:
        return bool(_entries(host, task_id))
    except redis.RedisError as error:
        raise BrokerAway() from error


def _entries(host: Host, task_id: str) -> list[str]:
    key = queue_name(host.pk)
    entries = _on_a_list(key, lambda: client().lrange(key, 0, -1))
    return [str(entry) for entry in entries if task_id in str(entry)]
