"""What a page does when a service or selector refuses."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse

from netops.engine.errors import OperationFailed
from people.errors import Conflict, Forbidden, NotFound
from people.requests import UserRequest

P = ParamSpec("P")


def status_of(refusal: Exception | None) -> int:
    """Return the HTTP status that a refusal has in the API; 200 for none."""
    for kind, status in ((Forbidden, 403), (Conflict, 409), (OperationFailed, 503)):
        if isinstance(refusal, kind):
            return status
    return 200 if refusal is None else 422


def shown_if_missing(
    view: Callable[Concatenate[UserRequest, P], HttpResponse],
) -> Callable[Concatenate[UserRequest, P], HttpResponse]:
    """Show the 404 page where a record is missing, the 403 page where a role is not enough."""

    @wraps(view)
    def shown(request: UserRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(error.message) from error
        except Forbidden as error:
            raise PermissionDenied(error.message) from error

    return shown
