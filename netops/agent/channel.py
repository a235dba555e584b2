"""Celery's Redis transport, for a queue into which a thief of the broker's password may put
anything: an entry that is no task is dropped with a line in the log, and the worker goes on."""

from __future__ import annotations

import logging
from queue import Empty
from typing import Any

import redis
from kombu.transport import redis as kombu_redis

log = logging.getLogger(__name__)


class Channel(kombu_redis.Channel):  # type: ignore[misc]
    """Reads the host's queue."""

    def _brpop_read(self, **options: Any) -> Any:
        """Read an entry and hand it on (kombu/transport/redis.py); Empty if it was none.

        What the site sends never fails here: `Runner.receive` answers for it.
        """
        try:
            return super()._brpop_read(**options)
        except (Empty, redis.RedisError, OSError):
            raise
        except Exception as error:  # any: of parsing, of decoding, of Celery's own protocol
            log.warning("dropped an entry of the queue that is no task: %r", str(error)[:200])
            raise Empty from error


class Transport(kombu_redis.Transport):  # type: ignore[misc]
    """The same, with that channel."""

    Channel = Channel
