"""Every refusal of the API in one shape: {"errors": [{"field", "code", "message"}]}."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from netops.engine.errors import Refused, SpecInvalid
from people.errors import Conflict, Forbidden, NotFound, TokenExpired

PREFIX = "/api/"
_PLAIN = {
    400: ("bad-request", "The request is malformed."),
    404: ("not-found", "There is nothing at this address."),
    405: ("method-not-allowed", "This address does not take that method."),
    413: ("too-large", "The request is too large."),
    500: ("internal-error", "Something went wrong here; it has been logged."),
}

Problem = tuple[str, str, str]


def error_response(status: int, problems: Sequence[Problem]) -> HttpResponse:
    """Return the JSON answer for problems, each (field, code, message)."""
    errors = [{"field": f, "code": c, "message": m} for f, c, m in problems]
    response = HttpResponse(
        json.dumps({"errors": errors}), content_type="application/json", status=status
    )
    response["Cache-Control"] = "no-store"
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="dockernet"'
    return response


def status_of(refused: Refused) -> int:
    """Return the HTTP status of a refusal: 401, 403, 404, 409, or 422 for bad input."""
    if isinstance(refused, TokenExpired):
        return 401
    if isinstance(refused, Forbidden):
        return 403
    if isinstance(refused, NotFound):
        return 404
    return 409 if isinstance(refused, Conflict) else 422


def refusal_response(refused: Refused) -> HttpResponse:
    """Return the JSON answer for a refusal of a service."""
    if isinstance(refused, SpecInvalid):
        return error_response(422, refused.problems)
    problem = (refused.field, refused.code, refused.message)
    return error_response(status_of(refused), [problem])


def _reshaped(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Django's and ninja's own plain answers (unknown address, wrong method) become JSON."""
    if not request.path.startswith(PREFIX) or response.status_code < 400:
        return response
    if response.headers.get("Content-Type", "").startswith("application/json"):
        return response
    code, message = _PLAIN.get(response.status_code, ("error", "The request failed."))
    answer = error_response(response.status_code, [("", code, message)])
    if "Allow" in response.headers:
        answer["Allow"] = response.headers["Allow"]
    return answer


@sync_and_async_middleware
def json_errors(get_response: Any) -> Any:
    """Middleware: under /api/ no error leaves as HTML."""
    if iscoroutinefunction(get_response):

        async def in_loop(request: HttpRequest) -> HttpResponseBase:
            return _reshaped(request, await get_response(request))

        return in_loop

    def in_thread(request: HttpRequest) -> HttpResponseBase:
        return _reshaped(request, get_response(request))

    return in_thread
