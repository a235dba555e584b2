"""Part of the site's worker: threads that tell people what happened.

Threads of their own, because a mail server or a webhook may take its time: the sweep that looks
after changes must not wait for them, nor mail for webhooks, nor one person's webhook for another's.
Any number of workers may run: each message goes out once.
"""

from __future__ import annotations

import logging
import time
from typing import ClassVar

from dockernet_site.thread_step import ThreadStep

log = logging.getLogger(__name__)
FORGET_EVERY_S = 3600.0


class Messenger(ThreadStep):
    """Makes the messages; what is not told when it ends waits in the database."""

    thread_name = "messenger"
    every_s = 3.0
    _forget_at = 0.0

    def once(self) -> None:
        """Do one round."""
        from django.db import close_old_connections

        close_old_connections()
        try:
            self._round()
        except Exception:  # the next round tries again
            log.exception("%s: this round was not finished", self.thread_name)
        finally:
            close_old_connections()

    def _round(self) -> None:
        from notify.services.deliver import deliveries_forget
        from notify.services.spread import spread

        spread()
        if time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + FORGET_EVERY_S
            deliveries_forget()


class Mailer(Messenger):
    """Sends the e-mails that are due."""

    thread_name = "mailer"
    channel: ClassVar[str] = "mail"

    def _round(self) -> None:
        from notify.happenings import Channel
        from notify.services.deliver import deliver

        deliver(Channel(self.channel))


class Poster(Mailer):
    """Posts the webhooks that are due. Some at once: nobody knows who of the receivers answers."""

    thread_name = "poster"
    channel = "webhook"
    threads = 4
