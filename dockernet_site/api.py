"""The API: one NinjaAPI, the routers of the apps, the shape of every error."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Swagger
from ninja.errors import AuthenticationError, HttpError, ValidationError

from audit.api import router as audit_router
from dockernet_site.api_errors import Problem, error_response, refusal_response
from hosts.api import router as hosts_router
from hosts.api_reserved import router as reserved_router
from netops.api import router as changes_router
from netops.engine.errors import OperationFailed, Refused
from people.api import router as people_router
from policies.api import router as policies_router

log = logging.getLogger(__name__)

DESCRIPTION = """Dockernet sees and changes the container networks of your Docker hosts.

Every call takes `Authorization: Bearer TOKEN` (`./dockernet manage user NAME --role ROLE` prints
one). A refusal is `{"errors": [{"field", "code", "message"}]}` with 401, 403, 404, 409 (the state
does not allow it) or 422 (bad input). Lists take `?page=` and `?page_size=` (50, at most 200) and
answer `{"items", "count", "page", "page_size"}`."""

api = NinjaAPI(
    title="Dockernet",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    docs=Swagger(settings={"persistAuthorization": False, "tryItOutEnabled": False}),
)
api.add_router("/hosts", hosts_router, tags=["hosts"])
api.add_router("/changes", changes_router, tags=["changes"])
api.add_router("/reserved-ranges", reserved_router, tags=["hosts"])
api.add_router("/policies", policies_router, tags=["policies"])
api.add_router("/audit", audit_router, tags=["audit"])
api.add_router("/me", people_router, tags=["people"])

_CODES = {"missing": "required", "extra_forbidden": "unknown-field"}
# Pydantic speaks of Python here; the caller wrote JSON.
_WORDS = {
    "extra_forbidden": "There is no such field.",
    "model_attributes_type": "This must be a JSON object.",
    "dict_type": "This must be a JSON object.",
}


@api.exception_handler(AuthenticationError)
def _unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    message = "Send a valid token: Authorization: Bearer TOKEN."
    return error_response(401, [("", "unauthenticated", message)])


@api.exception_handler(Refused)
def _refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    return refusal_response(refused)


@api.exception_handler(OperationFailed)
def _failed(request: HttpRequest, failed: OperationFailed) -> HttpResponse:
    message = f"{failed.message} {failed.hint}".strip()
    return error_response(503, [("", "unavailable", message)])


@api.exception_handler(Http404)
def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return error_response(404, [("", "not-found", "There is nothing at this address.")])


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, invalid: ValidationError) -> HttpResponse:
    return error_response(422, [_problem(dict(error)) for error in invalid.errors])


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    # The one 400 that ninja makes itself is a body that is not JSON: bad input like any other.
    if error.status_code == 400:
        return error_response(422, [("", "malformed", "The body is not valid JSON.")])
    return error_response(error.status_code, [("", "error", str(error))])


@api.exception_handler(RequestDataTooBig)
def _too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return error_response(413, [("", "too-large", "The request is too large.")])


@api.exception_handler(UnicodeEncodeError)
def _no_text(request: HttpRequest, error: UnicodeEncodeError) -> HttpResponse:
    # JSON can name half a surrogate pair (RFC 8259, 8.2), which no database takes as text.
    message = "The body holds half a surrogate pair, which is no character."
    return error_response(422, [("", "malformed", message)])


@api.exception_handler(Exception)
def _bug(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("%s %s", request.method, request.path, exc_info=error)
    if settings.DEBUG:
        raise error
    message = "Something went wrong here; it has been logged."
    return error_response(500, [("", "internal-error", message)])


def _problem(error: dict[str, Any]) -> Problem:
    """Return pydantic's error as ours; the field is named as the caller wrote it."""
    where = [str(part) for part in error.get("loc", ())]
    # ("body", the parameter's own name, field ...) or ("query", field) or ("path", field).
    field = ".".join(where[2:] if where[:1] == ["body"] else where[1:])
    kind = str(error.get("type"))
    if kind == "missing":
        message = "This field is required." if field else "The request needs a JSON object as body."
    else:
        said = f"{str(error.get('msg', 'Invalid')).removeprefix('Value error, ')}."
        message = _WORDS.get(kind, said)
    return field, _CODES.get(kind, "invalid"), message
