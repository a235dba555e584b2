"""Server-Sent Events: a real server, a real broker, real connections."""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from pytest_django import Settings

from dockernet_site.asgi import application
from dockernet_site.broker import EmbeddedBroker
from dockernet_site.web import listener
from hosts.services import broker_access
from netops import stream
from netops.models import Change
from netops.services import change_reject
from netops.services.moves import change_lock, event_append
from netops.states import State
from people.models import User
from people.services import token_issue
from tests.site.fake_host import wait_until
from tests.site.real_broker import RealBroker
from tests.site.rows import change_row, host_row

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def port(transactional_db: None) -> Iterator[int]:
    """The site behind uvicorn, in a thread."""
    socket = listener("127.0.0.1", 0)
    config = uvicorn.Config(
        application, log_level="error", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    yield int(socket.getsockname()[1])
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


class Sse:
    """An open stream, read by a thread as it comes."""

    def __init__(self, port: int, change: Change, token: str, query: str = "", **more: str) -> None:
        self._link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {"Authorization": f"Bearer {token}", **more}
        path = f"/api/v1/changes/{change.pk}/events{query}"
        self._link.request("GET", path, headers=headers)
        self.response = self._link.getresponse()
        self.events: list[dict[str, Any]] = []
        self.comments: list[str] = []
        self.closed = False
        if self.response.status == 200:
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for raw in self.response:
                line = raw.decode().rstrip("\n")
                if line.startswith(":"):
                    self.comments.append(line)
                elif line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif fields:
                    event = json.loads(fields["data"])
                    assert fields["id"] == str(event["seq"])
                    assert fields["event"] == event["type"]
                    self.events.append(event)
                    fields = {}
        except (OSError, http.client.HTTPException):
            pass
        self.closed = True

    @property
    def numbers(self) -> list[int]:
        return [event["seq"] for event in self.events]


@pytest.fixture
def change(people: dict[str, User]) -> Change:
    """A change that waits for approval, with three events of history."""
    made = change_row(host_row("web-1"), people["alice"], State.AWAITING_APPROVAL)
    say(made, 2)
    return made


def say(change: Change, count: int) -> None:
    """Add events, each in a transaction of its own, as the ingest does."""
    for _ in range(count):
        with transaction.atomic():
            event_append(change_lock(change.pk), "output", "a line\nand <b>more</b>", step=1)


@pytest.fixture
def token(people: dict[str, User]) -> str:
    return token_issue(user=people["carol"])


def test_it_tells_what_was_then_what_is_then_closes(
    broker: EmbeddedBroker, port: int, change: Change, token: str, people: dict[str, User]
) -> None:
    sse = Sse(port, change, token)
    wait_until(lambda: sse.numbers == [1, 2, 3])
    assert not sse.closed
    say(change, 2)
    wait_until(lambda: sse.numbers == [1, 2, 3, 4, 5], 2)
    change_reject(user=people["bob"], change=change, comment="No.")
    wait_until(lambda: sse.closed, 3)
    assert sse.numbers == [1, 2, 3, 4, 5, 6, 7]
    end = sse.events[-1]
    assert (end["type"], end["total"], end["state"]) == ("end", 7, "rejected")
    assert set(sse.events[1]) == {"seq", "at", "type", "step", "message"}
    assert sse.events[1]["message"] == "a line\nand <b>more</b>"


def test_it_sends_the_headers_that_keep_it_live(
    broker: EmbeddedBroker, port: int, change: Change, token: str
) -> None:
    sse = Sse(port, change, token, **{"Accept-Encoding": "gzip, br"})
    assert sse.response.status == 200
    headers = sse.response.headers
    assert headers["Content-Type"].startswith("text/event-stream")
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Content-Encoding"] == "identity"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("query", "header", "numbers"),
    [
        ("?after=0", "", [1, 2, 3]),
        ("?after=2", "", [3]),
        ("?after=0", "2", [3]),
        ("?after=1", "junk", [2, 3]),
        ("?after=1", "-4", [2, 3]),
        ("", "1", [2, 3]),
    ],
)
def test_it_resumes_behind_what_the_reader_has(
    broker: EmbeddedBroker,
    port: int,
    change: Change,
    token: str,
    query: str,
    header: str,
    numbers: list[int],
) -> None:
    sse = Sse(port, change, token, query, **({"Last-Event-ID": header} if header else {}))
    wait_until(lambda: sse.numbers == numbers)
    say(change, 1)
    wait_until(lambda: sse.numbers == [*numbers, 4])


def test_it_closes_at_once_when_nothing_will_come(
    broker: EmbeddedBroker, port: int, change: Change, token: str, people: dict[str, User]
) -> None:
    change_reject(user=people["bob"], change=change, comment="No.")
    for query, numbers in (("", [1, 2, 3, 4, 5]), ("?after=5", []), ("?after=99", [])):
        sse = Sse(port, change, token, query)
        wait_until(lambda sse=sse: sse.closed, 3)
        assert sse.numbers == numbers


@pytest.mark.parametrize(
    ("query", "status"), [("?after=-1", 422), ("?after=x", 422), ("?after=99999999999", 422)]
)
def test_it_refuses_a_bad_cursor(
    broker: EmbeddedBroker, port: int, change: Change, token: str, query: str, status: int
) -> None:
    assert Sse(port, change, token, query).response.status == status


def test_it_is_for_those_who_are_known(
    broker: EmbeddedBroker, port: int, change: Change, people: dict[str, User]
) -> None:
    sse = Sse(port, change, "nonsense")
    assert sse.response.status == 401
    assert json.loads(sse.response.read())["errors"][0]["code"] == "unauthenticated"
    client = Client()
    client.force_login(people["carol"])
    session = client.cookies["sessionid"].value
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    path = f"/api/v1/changes/{change.pk}/events"
    link.request("GET", path, headers={"Cookie": f"sessionid={session}"})
    assert link.getresponse().status == 200


def test_it_shows_that_it_lives(
    broker: EmbeddedBroker,
    port: int,
    change: Change,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "IDLE_S", 0.2)
    sse = Sse(port, change, token)
    wait_until(lambda: len(sse.comments) >= 4, 3)
    assert sse.numbers == [1, 2, 3]


def test_it_reads_the_database_while_the_broker_is_away(
    broker: EmbeddedBroker, port: int, change: Change, token: str, broker_server: RealBroker
) -> None:
    sse = Sse(port, change, token)
    wait_until(lambda: sse.numbers == [1, 2, 3])
    broker_server.stop()
    say(change, 1)
    wait_until(lambda: sse.numbers == [1, 2, 3, 4], 5)
    late = Sse(port, change, token)
    wait_until(lambda: late.numbers == [1, 2, 3, 4], 5)
    broker_server.start()
    say(change, 1)
    for reader in (sse, late):
        wait_until(lambda reader=reader: reader.numbers == [1, 2, 3, 4, 5], 5)


def database_connections() -> int:
    """How many connections this process has to the database of the tests.

    For SQLite its wrappers are counted, not files: it keeps those of closed connections open as
    long as another one holds a lock (sqlite3 os_unix.c, "pending close").
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname=current_database()")
            return int(cursor.fetchone()[0])
    wrappers = (one for one in gc.get_objects() if isinstance(one, BaseDatabaseWrapper))
    return sum(one.connection is not None for one in wrappers)


def test_it_holds_no_connection_to_the_database(
    broker: EmbeddedBroker, port: int, change: Change, token: str
) -> None:
    before = database_connections()
    readers = [Sse(port, change, token) for _ in range(20)]
    for reader in readers:
        wait_until(lambda reader=reader: reader.numbers == [1, 2, 3])
    assert not any(reader.closed for reader in readers)
    wait_until(lambda: database_connections() <= before + 2, 3)


def test_it_notices_what_was_not_announced(
    broker: EmbeddedBroker,
    port: int,
    change: Change,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sse = Sse(port, change, token)
    wait_until(lambda: sse.numbers == [1, 2, 3])
    with monkeypatch.context() as quiet:
        quiet.setattr("netops.services.moves.announce", lambda *_: None)
        say(change, 2)
    say(change, 1)
    wait_until(lambda: sse.numbers == [1, 2, 3, 4, 5, 6], 2)


def test_it_serves_many_readers_from_one_subscription(
    broker: EmbeddedBroker, change: Change, settings: Settings
) -> None:
    async def read_one() -> list[int]:
        numbers = []
        async for row in stream.events(change.pk):
            if row is not None:
                numbers.append(row.seq)
            if len(numbers) == 5:
                break
        return numbers

    async def read_all() -> list[list[int]]:
        readers = [asyncio.create_task(read_one()) for _ in range(50)]
        while not stream.hub().connected:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        counts = broker_access.client().pubsub_numsub("dn:site:events")
        assert [count for _, count in counts] == [1]
        await asyncio.to_thread(say_and_close, change)
        found = await asyncio.wait_for(asyncio.gather(*readers), 10)
        await asyncio.sleep(0)
        assert stream.hub()._readers == {}
        return list(found)

    assert asyncio.run(read_all()) == [[1, 2, 3, 4, 5]] * 50


def say_and_close(change: Change) -> None:
    from django.db import connections

    say(change, 2)
    connections.close_all()


def test_it_drops_nothing_when_a_reader_is_slow(
    broker: EmbeddedBroker, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "WAITING_LIMIT", 3)

    async def read() -> list[int]:
        numbers: list[int] = []
        async for row in stream.events(change.pk):
            if row is None:
                continue
            numbers.append(row.seq)
            if row.seq == 3:
                await asyncio.to_thread(say_many_and_close, change)
            if row.seq == 23:
                break
        return numbers

    assert asyncio.run(asyncio.wait_for(read(), 15)) == list(range(1, 24))


def say_many_and_close(change: Change) -> None:
    from django.db import connections

    say(change, 20)
    connections.close_all()


def test_it_gives_every_reader_the_same_bytes(change: Change) -> None:
    from netops.selectors import events_after

    row = events_after(change_id=change.pk, after=2)[0]
    assert row.sse is row.sse
    assert row.sse.startswith(b"id: 3\nevent: output\ndata: {")
    assert row.sse.endswith(b"\n\n")
