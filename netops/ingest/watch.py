"""What a host can do to its own stream with XADD that no reading of it puts right."""

from __future__ import annotations

import logging
import time
from typing import Any

import redis

from hosts.models import Host
from hosts.selectors import hosts_enrolled
from hosts.services import broker_access
from hosts.services.trouble import DROPPED, Troubles
from netops.ingest.heard import entry_number
from netops.wire import stream_name

log = logging.getLogger(__name__)
EVERY_S = 30.0
# Far above what a host with an ingest that reads leaves there.
MOST_BYTES = 128 * 1024 * 1024
# The broker never gives an id below the last (redis.io, XADD): after one of the far future all
# that come are of that time, and after the last of all none comes any more. Clocks differ less.
AHEAD_MS = 24 * 3600 * 1000
_FLOOD = "its stream had grown too large; it was emptied, and the host's connections were ended."
_USED_UP = "it used up the numbers of its stream; the stream was begun anew."


class StreamWatch:
    """Looks at all hosts' streams every EVERY_S, and begins those anew that are past use.

    What is lost with a stream is on the host's disk (events, which are asked for again) or is said
    again (observations, plans, signs of life).
    """

    def __init__(self, troubles: Troubles) -> None:
        self._troubles = troubles
        self._next = 0.0

    def look(self, link: redis.Redis, cursors: dict[str, str]) -> dict[str, str]:
        """Return `cursors`, from the start again where they are behind no entry that can come.

        Raises RedisError when the broker is away.
        """
        if time.monotonic() < self._next:
            return cursors
        self._next = time.monotonic() + EVERY_S
        hosts = {stream_name(host.pk): host for host in hosts_enrolled().defer("observed")}
        names = [name for name in cursors if name in hosts]
        flooded = [n for n, size in _sizes(link, names).items() if size > MOST_BYTES]
        for name in flooded:
            self._begin_anew(link, hosts[name], "flood", _FLOOD)
            broker_access.connections_close(hosts[name])
        last = _last_ids(link, names)
        limit = (time.time() * 1000 + AHEAD_MS, 0)
        for name in [n for n, number in last.items() if number > limit]:
            self._begin_anew(link, hosts[name], "stream-numbers", _USED_UP)
            last[name] = (0, 0)
        self._troubles.flush()
        gone = {n for n in names if n in last and entry_number(cursors[n]) > last[n]}
        return {name: "0" if name in gone else at for name, at in cursors.items()}

    def _begin_anew(self, link: redis.Redis, host: Host, code: str, why: str) -> None:
        link.delete(stream_name(host.pk))
        # Ids are compared with it, and begin below it again.
        Host.objects.filter(pk=host.pk).update(heard_entry="")
        self._troubles.note(host, DROPPED, code, why)


def _sizes(link: redis.Redis, names: list[str]) -> dict[str, int]:
    with link.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.memory_usage(name)
        answers = pipe.execute(raise_on_error=False) if names else []
    return {n: int(a or 0) for n, a in zip(names, answers, strict=True) if not _failed(a)}


def _last_ids(link: redis.Redis, names: list[str]) -> dict[str, tuple[int, int]]:
    """Return the last id that each stream gave; (0, 0) for one that is not there."""
    with link.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.xinfo_stream(name)
        answers = pipe.execute(raise_on_error=False) if names else []
    found: dict[str, tuple[int, int]] = {}
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, Exception) and "no such key" in str(answer):
            found[name] = (0, 0)
        elif not _failed(answer):
            found[name] = entry_number(str(answer["last-generated-id"]))
    return found


def _failed(answer: Any) -> bool:
    """True for an error, such as NOPERM where the site's user has the rights of an older version;
    the ingest must go on."""
    if isinstance(answer, Exception):
        if "no such key" not in str(answer):
            log.warning("the broker does not tell of a host's stream: %s", answer)
        return True
    return False
