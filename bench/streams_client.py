"""A thousand readers of one change in one process: half live pages, half API streams.

    python -m bench.streams_client PORT CHANGE READERS SESSION TOKEN

Prints "open" when all streams are, then one JSON line at the end of its input: the seconds that
each message (by its number) took to each reader, how many pages fetched themselves, and the
processor seconds that reading cost.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

SENT = re.compile(rb"(?:line|state) (\d+) sent (\d+\.\d+)")
ID = re.compile(rb"^id: (\d+)$", re.MULTILINE)
TURN = re.compile(rb"event: again\ndata: (\d+)")


class Reader:
    """One open page, or one reader of the API: what it was told, and how late (seconds)."""

    def __init__(self, port: int, path: str, head: str, page: str = "") -> None:
        self._port, self._path, self._head, self._page = port, path, head, page
        self._after = 0
        self.late: dict[int, float] = {}
        self.open, self.fetched = False, 0

    async def read(self, opened: asyncio.Semaphore) -> None:
        """Open the stream and read; a page opens it anew when it has fetched itself."""
        await self._read_page(opened)
        while await self._read_stream(opened):
            self.fetched += 1

    @property
    def behind(self) -> bool:
        """True for a page that has not fetched itself yet."""
        return bool(self._page) and not self.fetched

    def _request(self, path: str, more: str = "") -> bytes:
        lines = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{self._head}\r\n{more}\r\n"
        return lines.encode()

    async def _read_page(self, opened: asyncio.Semaphore) -> None:
        if not self._page:
            return
        async with opened:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(self._request(self._page, "HX-Request: true\r\nConnection: close\r\n"))
            page = await reader.read()
            writer.close()
        if b" 200 " not in page.partition(b"\r\n")[0]:
            raise SystemExit(page[:500].decode())
        # What happened while the page was between two streams stands in the page itself.
        now = time.time()
        for number, sent in SENT.findall(page):
            self.late.setdefault(int(number), now - float(sent))
        place = re.search(rb"live/\?after=(\d+)", page)
        self._after = int(place[1]) if place else self._after

    async def _read_stream(self, opened: asyncio.Semaphore) -> bool:
        """Return True when the page is to fetch itself."""
        async with opened:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
            writer.write(self._request(f"{self._path}?after={self._after}"))
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head.partition(b"\r\n")[0]:
                raise SystemExit(head.decode())
            await reader.readuntil(b": open\n\n")
        self.open, rest, page = True, b"", None
        # As in a browser the stream goes on until the new page is there, and takes its place.
        while page is None or not page.done():
            try:
                data = await asyncio.wait_for(reader.read(65_536), 0.1 if page else None)
            except TimeoutError:
                continue
            if not data:
                return False
            *whole, rest = (rest + data).split(b"\n\n")
            self._take(whole, time.time())
            turns = [turn for event in whole if (turn := TURN.search(event))]
            if page is None and turns:
                page = asyncio.create_task(self._read_page_in(int(turns[0][1]) / 1000, opened))
        page.result()
        writer.close()
        return True

    async def _read_page_in(self, seconds: float, opened: asyncio.Semaphore) -> None:
        await asyncio.sleep(seconds)
        await self._read_page(opened)

    def _take(self, events: list[bytes], now: float) -> None:
        for event in events:
            # A page's fragment holds all lines of the step's output; the newest comes last.
            if told := SENT.findall(event):
                number, sent = told[-1]
                self.late.setdefault(int(number), now - float(sent))


async def main(port: int, change: int, readers: int, session: str, token: str) -> None:
    """Open the streams, read until the input ends, print what was measured."""
    page = f"/changes/{change}/"
    cookie, bearer = f"Cookie: sessionid={session}", f"Authorization: Bearer {token}"
    all_ = [
        Reader(port, f"/api/v1{page}events", bearer)
        if n % 2
        else Reader(port, f"{page}live/", cookie, page)
        for n in range(readers)
    ]
    opened = asyncio.Semaphore(20)
    tasks = [asyncio.create_task(reader.read(opened)) for reader in all_]
    while not all(reader.open for reader in all_):
        for task in tasks:
            if task.done():
                task.result()
        await asyncio.sleep(0.2)
    begun = time.process_time()
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for _ in range(60):
        if any(reader.behind for reader in all_):
            await asyncio.sleep(1)
    late = [[number, seconds] for reader in all_ for number, seconds in reader.late.items()]
    fetched = sum(reader.fetched for reader in all_)
    told = {"late": late, "fetched": fetched, "cpu_s": time.process_time() - begun}
    print(json.dumps(told), flush=True)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:6]))
