"""Celery's Redis transport, for a queue into which a thief of the broker's password may put
anything: an entry that is not exactly our one task is dropped with a line in the log."""

from __future__ import annotations

import base64
import json
import logging
from queue import Empty
from typing import Any

from kombu.transport import redis as kombu_redis

from netops.wire import TASK

log = logging.getLogger(__name__)


def _is_ours(entry: object) -> bool:
    """True for an entry as the site's Celery writes it (protocol 2, JSON), with one text in it.

    Raises all kinds of things for others.
    """
    assert isinstance(entry, dict)
    headers, properties = entry["headers"], entry["properties"]
    arguments, options, embedded = json.loads(base64.b64decode(entry["body"], validate=True))
    plain = isinstance(properties["delivery_tag"], str) and isinstance(headers["id"], str)
    plain = plain and isinstance(properties["delivery_info"], dict) and not options
    plain = plain and isinstance(arguments, list) and isinstance(embedded, dict)
    coded = (entry["content-type"], entry["content-encoding"], properties["body_encoding"])
    return bool(
        plain and coded == ("application/json", "utf-8", "base64") and headers["task"] == TASK
    )


class Channel(kombu_redis.Channel):
    """Reads the host's queue."""

    def _brpop_read(self, **options: Any) -> Any:
        """Read an entry and hand it on; Empty where it is not even JSON."""
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (ValueError, RecursionError) as error:
            log.warning("dropped an entry of the queue that is not JSON: %.200s", error)
            raise Empty from error


class Transport(kombu_redis.Transport):
    """Hands on what is ours."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        try:
            ours = _is_ours(message)
        except Exception:  # whatever it is that an entry of somebody else leads to
            ours = False
        if ours:
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        else:
            log.warning("dropped an entry of the queue that is no task of the site")
