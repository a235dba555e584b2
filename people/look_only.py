"""Who needs a second factor and has none looks, and does nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_only_middleware

from people.models import NEEDS_SECOND_FACTOR
from people.requests import UserRequest

_READING = ("GET", "HEAD", "OPTIONS")
# Logging in and out, setting up the second factor, the choice of a language.
_ALLOWED = ("account_", "mfa_", "openid_connect_", "socialaccount_", "language:")


@sync_only_middleware
class LookOnly:
    """Middleware after the log-in: refuses (403) what a password alone must not be able to do. The
    API refuses the tokens of such people by itself (dockernet_site/api_auth.py)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_view(self, request: UserRequest, *_: Any) -> None:
        """Raise PermissionDenied; Django asks before each view."""
        match = request.resolver_match
        name = match.view_name if match else ""
        if request.method in _READING or name.startswith(_ALLOWED) or not _by_session(request):
            return
        if request.user.is_authenticated and request.user.must_add_mfa:
            raise PermissionDenied(NEEDS_SECOND_FACTOR)


def _by_session(request: HttpRequest) -> bool:
    return not request.path.startswith("/api/") and bool(request.session.session_key)
