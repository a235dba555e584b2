"""Live events for readers in this process: one subscription to the broker, any number of readers.

The database is the truth. What comes over the channel is only earlier; where a number is missing,
the connection was lost or a reader fell behind, the rows are read from the database.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from dockernet_site.broker_link import tls_options
from hosts.services.broker_access import EVENTS_CHANNEL
from netops.event_row import EventRow, row_of_message
from netops.selectors import change_at_rest, events_after
from netops.stream_nudge import NUDGE_SEQ, nudge
from people.models import User

log = logging.getLogger(__name__)
IDLE_S = 15.0
# Without the broker the database is asked this often.
POLL_S = 1.0
WAITING_LIMIT = 1000
# So long may a stream outlive the account of who reads it.
ACTIVE_S = 3.0
_RETRY_S = 0.5

# None in a reader's queue: something may have been missed, look into the database.
Waiting = asyncio.Queue[EventRow | None]


def _look(change_id: int, after: int) -> tuple[list[EventRow], bool]:
    """Return the rows above `after`, and whether nothing will follow them; in a thread."""
    try:
        # In this order: what comes to rest in between is seen at the next look.
        at_rest = change_at_rest(change_id=change_id)
        return events_after(change_id=change_id, after=after), at_rest
    finally:
        close_old_connections()


_look_in_thread = sync_to_async(_look, thread_sensitive=False)


def _active(user_ids: list[int]) -> set[int]:
    """Return those of these people who may still log in; in a thread."""
    try:
        return set(
            User.objects.filter(pk__in=user_ids, is_active=True).values_list("pk", flat=True)
        )
    finally:
        close_old_connections()


_active_in_thread = sync_to_async(_active, thread_sensitive=False)


class Hub:
    """The subscription of one event loop, held while anybody reads."""

    def __init__(self) -> None:
        self._readers: dict[int, set[Waiting]] = {}
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()
        self._people: dict[Waiting, int] = {}
        self._gone: set[int] = set()
        self._guard: asyncio.Task[None] | None = None

    def count(self, change_id: int) -> int:
        """Return how many read the events of a change."""
        return len(self._readers.get(change_id, ()))

    @property
    def connected(self) -> bool:
        """True while events come over the channel."""
        return self._listening.is_set()

    def is_gone(self, user_id: int) -> bool:
        """True when this reader's account was found deactivated."""
        return user_id in self._gone

    async def join(self, change_id: int, user_id: int | None = None) -> Waiting:
        """Return a queue that gets the events of a change from now on, for a person who reads them.

        When it returns, the broker has confirmed the subscription, or does not answer.
        """
        queue: Waiting = asyncio.Queue(WAITING_LIMIT)
        self._readers.setdefault(change_id, set()).add(queue)
        if user_id is not None:
            self._people[queue] = user_id
        if self._people and (self._guard is None or self._guard.done()):
            self._guard = asyncio.create_task(self._watch_people())
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())
        if not self.connected:
            try:
                await asyncio.wait_for(self._listening.wait(), POLL_S)
            except TimeoutError:
                log.warning("the broker does not answer; live pages read the database")
        return queue

    def leave(self, change_id: int, queue: Waiting) -> None:
        """Forget a reader; without any the subscription ends."""
        readers = self._readers.get(change_id, set())
        readers.discard(queue)
        self._people.pop(queue, None)
        if not self._people and self._guard is not None:
            self._guard.cancel()
            self._guard = None
        if not readers:
            self._readers.pop(change_id, None)
        if not self._readers and self._task is not None:
            self._task.cancel()
            self._task = None
            self._listening.clear()

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (redis.RedisError, OSError) as error:
                if self.connected:
                    log.warning("live events: the broker does not answer (%s)", error)
            self._listening.clear()
            self._tell_all(None)
            await asyncio.sleep(_RETRY_S)

    async def _listen_once(self) -> None:
        client = redis.asyncio.Redis.from_url(
            settings.REDIS_URL,
            socket_connect_timeout=2,
            health_check_interval=10,
            **tls_options(settings.REDIS_URL, settings.DOCKERNET_BROKER_CA),
        )
        async with client, client.pubsub() as channel:
            await channel.subscribe(EVENTS_CHANNEL)
            async for message in channel.listen():
                if message["type"] == "subscribe":
                    self._listening.set()
                    self._tell_all(None)
                elif message["type"] == "message":
                    self._take(message["data"])

    async def _watch_people(self) -> None:
        """One question for all readers of this process, every ACTIVE_S seconds."""
        while True:
            await asyncio.sleep(ACTIVE_S)
            asked = set(self._people.values())
            try:
                self._gone = asked - await _active_in_thread(sorted(asked))
            except DatabaseError as error:
                log.warning("live events: the database does not answer (%s)", error)
                continue
            for queue, user_id in self._people.items():
                if user_id in self._gone:
                    _put(queue, None)

    def _take(self, data: bytes) -> None:
        try:
            row = row_of_message(data.decode())
        except (ValueError, KeyError, TypeError):
            log.warning("an event on %s cannot be read", EVENTS_CHANNEL)
            return
        for queue in self._readers.get(row.change, ()):
            _put(queue, row)

    def _tell_all(self, row: None) -> None:
        for queues in self._readers.values():
            for queue in queues:
                _put(queue, row)


def _put(queue: Waiting, row: EventRow | None) -> None:
    """A reader who is too slow gets told to look into the database instead."""
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        row = None
    queue.put_nowait(row)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def readers_of(change_id: int) -> int:
    """Return how many read the events of a change in this process, whichever thread asks."""
    return sum(each.count(change_id) for each in list(_hubs.values()))


def hub() -> Hub:
    """Return the hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())


async def events(
    change_id: int,
    after: int = 0,
    idle_s: float | None = None,
    *,
    user_id: int | None = None,
    nudges: bool = False,
) -> AsyncIterator[EventRow | None]:
    """Yield the events of a change with `seq` above `after`: in order, each once, none missing.

    Ends after the `end` event, or at once when the change is at rest and nothing is left to tell.
    Ends too when the account of its reader `user_id` is deactivated, within ACTIVE_S seconds.
    None is yielded after `idle_s` seconds (IDLE_S) without an event: a sign of life is due. With
    `nudges` so are rows with NUDGE_SEQ: they are no events, and some are missed or for nothing.
    """
    idle_s = IDLE_S if idle_s is None else idle_s
    # The view that opened the stream has used the database in the request's own thread; held for
    # as long as the stream, a thousand readers would need a thousand connections.
    await sync_to_async(close_old_connections)()
    own = hub()
    queue = await own.join(change_id, user_id)
    try:
        last, look, quiet_s = after, True, 0.0
        while True:
            if look:
                rows, at_rest = await _look_in_thread(change_id, last)
                for row in rows:
                    yield row
                    last, quiet_s = row.seq, 0.0
                if at_rest:
                    return
                look = False
                if nudges and not own.connected:
                    yield nudge(change_id)
            wait_s = idle_s if own.connected else min(POLL_S, idle_s)
            try:
                found = await asyncio.wait_for(queue.get(), wait_s)
            except TimeoutError:
                look, quiet_s = True, quiet_s + wait_s
                if quiet_s >= idle_s:
                    quiet_s = 0.0
                    yield None
                continue
            if user_id is not None and own.is_gone(user_id):
                return
            if found is None or found.seq > last + 1:
                look = True
            elif found.seq == NUDGE_SEQ:
                if nudges:
                    yield found
            elif found.seq == last + 1:
                yield found
                last, quiet_s = found.seq, 0.0
                if found.type == "end":
                    return
    finally:
        own.leave(change_id, queue)
