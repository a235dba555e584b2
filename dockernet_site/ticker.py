"""Part of the site's worker: puts the sweep into the site's queue every few seconds.

Any number of workers may run; a key with a short life lets one of them do it each time.
"""

from __future__ import annotations

import logging

import redis

from dockernet_site.thread_step import ThreadStep

log = logging.getLogger(__name__)
EVERY_S = 5.0
_KEY = "dn:site:sweep"


class Ticker(ThreadStep):
    """Asks for a sweep."""

    thread_name = "ticker"
    every_s = EVERY_S

    def once(self) -> None:
        """Put the sweep into the queue, unless another worker just did."""
        from hosts.services.broker_access import BrokerAway, client
        from netops.tasks import sweep

        try:
            if client().set(_KEY, "1", nx=True, px=int(EVERY_S * 900)):
                sweep.apply_async(expires=EVERY_S * 2)
        except (redis.RedisError, BrokerAway):
            return
        except Exception:  # the next tick tries again
            log.exception("the sweep could not be sent")
