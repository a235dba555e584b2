"""Part of the site's worker: puts the sweep into the site's queue every few seconds.

Any number of workers may run; a key with a short life lets one of them do it each time.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

import redis
from celery import bootsteps

log = logging.getLogger(__name__)
EVERY_S = 5.0
_KEY = "dn:site:sweep"


class Ticker(bootsteps.StartStopStep):  # type: ignore[misc]
    """A thread that lives as long as the worker."""

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, worker: Any) -> None:
        """Begin to tick."""
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)
        self._thread.start()

    def stop(self, worker: Any) -> None:
        """Tick no more."""
        self._stopping.set()

    terminate = stop

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            self._tick()

    def _tick(self) -> None:
        # Here, not above: models can be imported only once the worker has set Django up.
        from hosts.services.broker_access import BrokerAway, client
        from netops.tasks import sweep

        try:
            if client().set(_KEY, "1", nx=True, px=int(EVERY_S * 900)):
                sweep.apply_async(expires=EVERY_S * 2)
        except (redis.RedisError, BrokerAway):
            return
        except Exception:  # the next tick tries again
            log.exception("the sweep could not be sent")
