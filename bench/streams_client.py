"""A thousand readers of one change in one process: half live pages, half API streams.

    python -m bench.streams_client PORT CHANGE READERS SESSION TOKEN

Prints "open" when all streams are, then one JSON line at the end of its input: the seconds that
each message took to each reader, and the processor seconds that reading cost.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

SENT = re.compile(rb"sent (\d+\.\d+)")


async def read(request: bytes, port: int, opened: asyncio.Semaphore, found: list[float]) -> None:
    """Open one stream and note how late each marked event is."""
    async with opened:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise SystemExit(head.decode())
        await reader.readuntil(b": open\n\n")
    asyncio.current_task().set_name("open")  # type: ignore[union-attr]
    rest = b""
    while data := await reader.read(65_536):
        now = time.time()
        rest += data
        *whole, rest = rest.split(b"\n\n")
        for event in whole:
            # A page's fragment holds all lines of the step's output; the newest comes last.
            if told := SENT.findall(event):
                found.append(now - float(told[-1]))


async def main(port: int, change: int, readers: int, session: str, token: str) -> None:
    """Open the streams, read until the input ends, print what was measured."""
    heads = (f"Cookie: sessionid={session}", f"Authorization: Bearer {token}")
    paths = (f"/changes/{change}/live/", f"/api/v1/changes/{change}/events")
    requests = [
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n\r\n".encode()
        for path, head in zip(paths, heads, strict=True)
    ]
    found: list[float] = []
    opened = asyncio.Semaphore(20)
    tasks = [
        asyncio.create_task(read(requests[n % 2], port, opened, found)) for n in range(readers)
    ]
    while sum(task.get_name() == "open" for task in tasks) < readers:
        for task in tasks:
            if task.done():
                task.result()
        await asyncio.sleep(0.2)
    begun = time.process_time()
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps({"late": found, "cpu_s": time.process_time() - begun}), flush=True)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:6]))
