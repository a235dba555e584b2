"""The language that a person has chosen goes before what the browser asks for; the API has one."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.decorators import sync_only_middleware

_API = "/api/"


@sync_only_middleware
def chosen_language(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware after the log-in: a choice kept with the person holds in every browser; the
    cookie of this browser (LocaleMiddleware) goes before it."""

    def passed_on(request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(_API):
            # Programs read it: what is said there does not depend on who asks from where.
            translation.activate("en")
            return get_response(request)
        told = "" if settings.LANGUAGE_COOKIE_NAME in request.COOKIES else _of_person(request)
        if told in dict(settings.LANGUAGES):
            translation.activate(told)
            request.LANGUAGE_CODE = told  # type: ignore[attr-defined]
        return get_response(request)

    return passed_on


def _of_person(request: HttpRequest) -> str:
    """Return what the person has chosen. Without a session, as in the API, it costs no query."""
    if not request.session.session_key or SESSION_KEY not in request.session:
        return ""
    return getattr(request.user, "language", "")
