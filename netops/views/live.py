"""The live page of a change: Server-Sent Events whose data are fragments of the page itself.

`part` carries fragments that htmx puts in their places by id; each holds its whole element, except
for the row that the list of all events gets. `again` asks the page to fetch itself, after so many
ms (what changed differs from reader to reader; the news itself goes before it); `comment` asks it
to fetch the conversation, `end` closes the stream.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from secrets import randbelow

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.views.decorators.http import require_GET

from netops.event_row import EventRow
from netops.record import Record, StepRecord, record_of
from netops.selectors import change_get, events_after
from netops.selectors_review import newest_comment
from netops.stream import events, readers_of
from netops.stream_nudge import NUDGE_SEQ
from people.errors import NotFound

HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "Content-Encoding": "identity",
    "X-Accel-Buffering": "no",
}
_MOST_KEPT = 2000
# About what a page that fetches itself costs the server, its new stream included: so far apart are
# those of a crowd. A few may come at once.
SPREAD_MS, AT_ONCE = 40, 10
# Without an id: the reader's place among the events stays where it is.
_NUDGE = b"event: comment\ndata: 1\n\n"
_newest_in_thread = sync_to_async(newest_comment, thread_sensitive=False)
_AGAIN = ("state", "rollback_started", "end")

# A fragment is the same for every reader of a language, so that many open pages cost one rendering.
_rendered: OrderedDict[tuple[int, int, int, str, str], bytes] = OrderedDict()


@login_required
@require_GET
async def change_live(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Stream what happens to a change after event `after` (or the Last-Event-ID); `said` is the
    number of the newest comment that its page shows."""
    told = (request.GET.get("after", "0"), request.headers.get("Last-Event-ID", "0"))
    after = max(_number(text) for text in told)
    try:
        plan_round, record = await sync_to_async(_record_until)(pk, after)
    except NotFound as error:
        raise Http404 from error
    said = _number(request.GET.get("said", "0"))
    user_id: int = (await request.auser()).pk  # type: ignore[assignment]
    return StreamingHttpResponse(
        _stream(pk, plan_round, after, record, translation.get_language() or "", user_id, said),
        content_type="text/event-stream; charset=utf-8",
        headers=HEADERS,
    )


def _number(text: str) -> int:
    """Return the number of an event, 0 for what is none; more digits than any has mean one past
    the last."""
    return int(text[:18]) if text.isascii() and text.isdecimal() else 0


def _record_until(pk: int, after: int) -> tuple[int, Record]:
    """Return the number of the plan, and the record as the reader's page shows it."""
    change = change_get(pk=pk)
    plan = change.current_plan
    rows = events_after(change_id=pk, after=0)
    known = [row for row in rows if row.seq <= after]
    return change.plan_round, record_of(plan.steps if plan else (), known)


async def _stream(
    change_id: int,
    plan_round: int,
    after: int,
    record: Record,
    language: str,
    user_id: int,
    said: int,
) -> AsyncIterator[bytes]:
    yield b": open\n\n"
    ended = False
    async for row in events(change_id=change_id, after=after, user_id=user_id, nudges=True):
        if row is None or row.seq == NUDGE_SEQ:
            newest = await _newest_in_thread(change_id=change_id)
            yield _NUDGE if newest > said else b": still here\n\n"
            said = newest
            continue
        ended = row.type == "end"
        step = record.take(row)
        key = (change_id, plan_round, row.seq, row.type, language)
        if key not in _rendered:
            with translation.override(language):
                _rendered[key] = _message(row, record, step)
            while len(_rendered) > _MOST_KEPT:
                _rendered.popitem(last=False)
        yield _rendered[key]
        if _is_again(row, step):
            yield _sse(row.seq, "again", str(_turn(change_id)))
        if ended:
            yield _sse(row.seq, "end", str(row.seq))
    if not ended:
        # The change came to rest while its page was on the way: the page must not wait for ever.
        yield _sse(record.cursor, "again", "0") + _sse(record.cursor, "end", str(record.cursor))


def _turn(change_id: int) -> int:
    """Return in how many ms a page is to fetch itself: one at once, a thousand one after the
    other. How many they are is known only now."""
    readers = readers_of(change_id)
    return randbelow(SPREAD_MS * readers) if readers > AT_ONCE else 0


def _is_again(row: EventRow, step: StepRecord | None) -> bool:
    """Return True for an event that changes more of the page than the parts of one step."""
    return row.type in _AGAIN or step is None


def _message(row: EventRow, record: Record, step: StepRecord | None) -> bytes:
    """Return an event's parts of the page on the wire (WHATWG HTML, server-sent events). Without a
    number where `again` follows: who lost that gets both once more."""
    if step is None or _is_again(row, step):
        return _sse(None, "part", _news(row))
    context = {"page": {"record": record}, "step": step, "number": step.number}
    if row.type == "output" and not record.rolling_back:
        html = str(render_to_string("netops/_output.html", {**context, "output_oob": True}))
    else:
        names = ("netops/_step.html", "netops/_job_line.html", "netops/_progress.html")
        html = "".join(render_to_string(name, {**context, "oob": True}) for name in names)
    return _sse(row.seq, "part", html + _news(row))


def _news(row: EventRow) -> str:
    """Return the event's row of the list of all, the one part that is added to (no number comes
    twice to a page), and the state that it brings."""
    html = str(render_to_string("netops/_event_new.html", {"event": row}))
    state = str(row.data.get("state", "")) if row.type in ("state", "end") else ""
    if state:
        html += render_to_string("netops/_state_now.html", {"name": state, "oob": True})
    return html


def _sse(seq: int | None, event: str, html: str) -> bytes:
    """Return one message; without a number the reader's place stays where it is."""
    # Any of CR, LF and CRLF ends a line of the stream; a host may have said any of them.
    lines = html.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    data = "".join(f"data: {line}\n" for line in lines)
    number = "" if seq is None else f"id: {seq}\n"
    return f"{number}event: {event}\n{data}\n".encode()
