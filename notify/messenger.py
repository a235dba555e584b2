"""Part of the site's worker: a thread that tells people what happened.

A thread of its own, because a mail server or a webhook may take its time, and the sweep that looks
after changes must not wait for them. Any number of workers may run: each message goes out once.
"""

from __future__ import annotations

import logging
import time

from dockernet_site.thread_step import ThreadStep

log = logging.getLogger(__name__)
FORGET_EVERY_S = 3600.0


class Messenger(ThreadStep):
    """Tells people what happened; what is not told when it ends waits in the database."""

    thread_name = "messenger"
    every_s = 3.0
    _forget_at = 0.0

    def once(self) -> None:
        """Make the messages of what happened, and send those that are due."""
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
