"""Makes the whole chain of middleware run in one thread for each request.

Under ASGI Django would otherwise go from the event loop to a thread and back for every middleware;
on a busy machine that costs more than the request. With one innermost middleware that is for
threads alone, all around it run there too (django.core.handlers.base, load_middleware). Async
views still run in the event loop.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_only_middleware


@sync_only_middleware
def in_one_thread(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that adds nothing; it must be the last in settings.MIDDLEWARE."""

    def passed_on(request: HttpRequest) -> HttpResponseBase:
        return get_response(request)

    return passed_on
