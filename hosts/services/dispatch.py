"""Sealed messages into the queue of one host."""

from __future__ import annotations

from typing import Any

import redis
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError

from dockernet_site.celery import app
from hosts.models import Host
from hosts.services.broker_access import BrokerAway, client
from netops.wire import TASK, TO_HOST, queue_name, seal
from people.errors import Conflict

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
    try:
        app.send_task(
            TASK,
            args=[sealed],
            task_id=task_id,
            queue=_queue(queue_name(host.pk)),
            retry=True,
            retry_policy=_RETRY,
            ignore_result=True,
        )
    except (OperationalError, redis.RedisError, OSError) as error:
        raise BrokerAway() from error


def _queue(name: str) -> Any:
    """The host's queue as Celery wants it named: with exchange and routing key alone it would put
    the task into the site's own default queue (celery/app/amqp.py)."""
    return Queue(name, Exchange(""), routing_key=name, no_declare=True)  # type: ignore[no-untyped-call]


def waiting(*, host: Host) -> int:
    """Return how many messages the host has not fetched yet; raises BrokerAway."""
    try:
        return int(client().llen(queue_name(host.pk)))
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
    entries = client().lrange(queue_name(host.pk), 0, -1)
    return [str(entry) for entry in entries if task_id in str(entry)]
