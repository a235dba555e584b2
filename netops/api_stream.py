"""The event stream of a change as an answer of the API (WHATWG HTML, server-sent events)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from ninja import Query

from netops.selectors import change_get
from netops.stream import events

# No proxy may hold it back, compress it or keep it.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Encoding": "identity",
    "X-Accel-Buffering": "no",
}

After = Annotated[int, Query(ge=0, le=2**31 - 1)]


async def change_exists(change_id: int) -> None:
    """Raise NotFound unless there is such a change."""
    await sync_to_async(change_get)(pk=change_id)


def event_stream(change_id: int, after: int, user_id: int) -> StreamingHttpResponse:
    """Return the stream of a change's events with `seq` above `after`, to its end, for the
    person of that id."""
    content_type = "text/event-stream; charset=utf-8"
    return StreamingHttpResponse(
        _lines(change_id, after, user_id), content_type=content_type, headers=HEADERS
    )


async def _lines(change_id: int, after: int, user_id: int) -> AsyncIterator[bytes]:
    # Bytes at once, so that the reader knows that the stream is open.
    yield b": open\n\n"
    async for row in events(change_id, after, user_id=user_id):
        yield b": still here\n\n" if row is None else row.sse
