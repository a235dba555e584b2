"""Reads the streams of all hosts from one connection and hands what they say to the services.

An entry is deleted from its stream only after its rows are committed, and read again from the
start after every trouble; the services take everything twice without harm.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import redis
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from dockernet_site.broker_link import tls_options
from hosts.models import Host
from hosts.selectors import hosts_enrolled
from hosts.services import broker_access
from hosts.services.trouble import Troubles
from netops.ingest.batch import Batch
from netops.ingest.watch import StreamWatch
from netops.wire import stream_name

log = logging.getLogger(__name__)
BLOCK_MS = 2000
# Of each stream at a time; FEW after a read that brought more of one host than is taken at once.
ENTRIES, FEW = 50, 4
# Characters of one host in one batch: its memory and its time are not one host's to take.
BUDGET = 8_000_000
_PAUSES_S = (0.1, 0.3, 1.0, 2.0)


class Reader:
    """The loop of the ingest process. `stop` may be called from a signal handler."""

    def __init__(self) -> None:
        self._stopping = False
        self._failures = 0
        self._troubles = Troubles()
        self._entries = ENTRIES
        self._watch = StreamWatch(self._troubles)

    def stop(self) -> None:
        """Let `run` return after the batch at hand, within BLOCK_MS."""
        self._stopping = True

    def run(self) -> None:
        """Read until stopped; broker and database may go and come back meanwhile."""
        while not self._stopping:
            try:
                self._serve()
            except (redis.RedisError, OSError, broker_access.BrokerAway) as error:
                self._pause(f"the broker does not answer ({error})")
            except (OperationalError, InterfaceError) as error:
                connections.close_all()
                self._pause(f"the database does not answer ({error})")

    def _pause(self, why: str) -> None:
        if not self._failures:
            log.warning("%s; trying again", why)
        pause = _PAUSES_S[min(self._failures, len(_PAUSES_S) - 1)]
        self._failures += 1
        deadline = time.monotonic() + pause
        while not self._stopping and time.monotonic() < deadline:
            time.sleep(0.05)

    def _serve(self) -> None:
        """One connection to the broker, until something fails."""
        link = redis.Redis.from_url(
            settings.REDIS_URL,
            decode_responses=True,
            # A host may put any bytes on its stream; they must not end the ingest of all hosts.
            encoding_errors="replace",
            socket_connect_timeout=2,
            socket_timeout=BLOCK_MS / 1000 + 5,
            retry=None,
            **tls_options(settings.REDIS_URL, settings.DOCKERNET_BROKER_CA),
        )
        try:
            cursors = self._begin(link)
            while not self._stopping:
                cursors = self._read(link, self._watch.look(link, cursors))
                self._failures = 0
        finally:
            link.close()

    def _begin(self, link: redis.Redis) -> dict[str, str]:
        """Put the hosts' users in place and return where to read from: everything, from the
        start."""
        last = link.xrevrange(broker_access.CONTROL_STREAM, count=1)
        hosts = list(hosts_enrolled())
        broker_access.acl_apply_all(hosts)
        self._streams = {stream_name(host.pk) for host in hosts}
        if self._failures:
            log.info("reading again")
        return {broker_access.CONTROL_STREAM: _first_id(last), **dict.fromkeys(self._streams, "0")}

    def _read(self, link: redis.Redis, cursors: dict[str, str]) -> dict[str, str]:
        """Read and take down one batch; return the cursors behind it."""
        answer: Any = link.xread(cursors, count=self._entries, block=BLOCK_MS)  # type: ignore[arg-type]
        found = answer.items() if isinstance(answer, dict) else answer or []
        batch, again, over = Batch(self._troubles), False, False
        hosts = _hosts_of([str(stream) for stream, _ in found])
        for stream, entries in found:
            rows = entries[0] if entries and isinstance(entries[0], list) else entries
            if not rows:
                continue
            taken = _within(rows, BUDGET)
            over = over or len(taken) < len(rows)
            cursors[stream] = taken[-1][0]
            if stream == broker_access.CONTROL_STREAM:
                again = True
            elif stream in hosts:
                batch.add(hosts[stream], [(i, fields.get("m", "")) for i, fields in taken])
        self._entries = FEW if over else min(self._entries * 2, ENTRIES)
        if batch:
            batch.store()
            _remove(link, batch)
            batch.finish()
        return self._hosts_anew(cursors) if again else cursors

    def _hosts_anew(self, cursors: dict[str, str]) -> dict[str, str]:
        """A host came in or was locked out."""
        self._streams = {stream_name(host.pk) for host in hosts_enrolled()}
        kept = {broker_access.CONTROL_STREAM, *self._streams}
        fresh = dict.fromkeys(self._streams, "0")
        return {**fresh, **{name: at for name, at in cursors.items() if name in kept}}


def _within(rows: list[Any], budget: int) -> list[Any]:
    """Return as many of a stream's first entries as fit, one at least; the rest is read again."""
    total = 0
    for number, (_, fields) in enumerate(rows):
        total += sum(len(name) + len(value) for name, value in fields.items())
        if number and total > budget:
            return rows[:number]
    return rows


def _hosts_of(streams: list[str]) -> dict[str, Host]:
    """Return the hosts that may speak by their streams, as they are now: keys change, and one that
    was revoked a moment ago is not listened to."""
    ids = [stream.split(":")[1] for stream in streams if stream != broker_access.CONTROL_STREAM]
    if not ids:
        return {}
    hosts = hosts_enrolled().filter(pk__in=ids).defer("observed")
    return {stream_name(host.pk): host for host in hosts}


def _first_id(entries: Any) -> str:
    return str(entries[0][0]) if entries else "0"


def _remove(link: redis.Redis, batch: Batch) -> None:
    with link.pipeline(transaction=False) as pipe:
        # First kept, then deleted: whoever looks between the two sees it twice, never not at all.
        for text in batch.set_aside:
            pipe.xadd("dn:site:dead", {"m": text}, maxlen=100)
        for host_id, ids in batch.done.items():
            pipe.xdel(stream_name(host_id), *ids)
        pipe.execute()
