"""How long a session holds: so long without an act, and so long in any case."""

from __future__ import annotations

import time
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

_BEGAN, _SEEN = "session_began", "session_seen"
# The row and the cookie are written anew at most this often.
_RENEWED_EVERY_S = 60


@sync_and_async_middleware
def session_age(get_response: Any) -> Any:
    """Middleware: ends a session that is too old, and renews one that is used."""
    if iscoroutinefunction(get_response):

        async def in_loop(request: HttpRequest) -> HttpResponseBase:
            await sync_to_async(_look)(request)
            response: HttpResponseBase = await get_response(request)
            return response

        return in_loop

    def in_thread(request: HttpRequest) -> HttpResponseBase:
        _look(request)
        response: HttpResponseBase = get_response(request)
        return response

    return in_thread


def _look(request: HttpRequest) -> None:
    session = request.session
    if session.session_key is None or SESSION_KEY not in session:
        return
    now = int(time.time())
    if now - session.setdefault(_BEGAN, now) > settings.SESSION_LONGEST_S:
        session.flush()
    elif _is_act(request) and now - session.get(_SEEN, 0) >= _RENEWED_EVERY_S:
        session[_SEEN] = now


def _is_act(request: HttpRequest) -> bool:
    """False for what an open page fetches by itself: a forgotten tab keeps nobody logged in."""
    if request.method != "GET":
        return True
    streamed = "text/event-stream" in request.headers.get("Accept", "")
    return not streamed and "HX-Request" not in request.headers
