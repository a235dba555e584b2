"""Part of the site's worker: a thread that tells people what happened.

A thread of its own, because a mail server or a webhook may take its time, and the sweep that looks
after changes must not wait for them. Any number of workers may run: each message goes out once.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from celery import bootsteps

log = logging.getLogger(__name__)
EVERY_S = 3.0
FORGET_EVERY_S = 3600.0


class Messenger(bootsteps.StartStopStep):  # type: ignore[misc]
    """A thread that lives as long as the worker."""

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._forget_at = 0.0

    def start(self, worker: Any) -> None:
        """Begin to tell."""
        self._thread = threading.Thread(target=self._run, name="messenger", daemon=True)
        self._thread.start()

    def stop(self, worker: Any) -> None:
        """Tell no more; what is not told waits in the database."""
        self._stopping.set()

    terminate = stop

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            self._round()

    def _round(self) -> None:
        # Here, not above: models can be imported only once the worker has set Django up.
        from django.db import close_old_connections

        from notify.services.deliver import deliver, deliveries_forget
        from notify.services.spread import spread

        close_old_connections()
        try:
            spread()
            deliver()
            if time.monotonic() >= self._forget_at:
                self._forget_at = time.monotonic() + FORGET_EVERY_S
                deliveries_forget()
        except Exception:  # the next round tries again
            log.exception("messages could not be sent")
        finally:
            close_old_connections()
