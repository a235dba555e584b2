"""From where the act at hand comes: set once per request or command, read by `audit_note`.

A context variable, so that services need not hand it on; asgiref carries it into threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any

from asgiref.sync import iscoroutinefunction
from attrs import frozen
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware


@frozen
class Origin:
    """`via` is page, api, host, command or system; `address` the client's, "" if there is none."""

    via: str = "system"
    address: str = ""


_SYSTEM = Origin()
_CLAIMS = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO")
_current: ContextVar[Origin] = ContextVar("audit_origin", default=_SYSTEM)


def origin_current() -> Origin:
    """Return where the act at hand comes from."""
    return _current.get()


@contextmanager
def origin_set(origin: Origin) -> Iterator[None]:
    """Everything inside comes from `origin`."""
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)


def client_address(request: HttpRequest) -> str:
    """Return the address of the client, "unknown" if there is none.

    With DOCKERNET_TRUSTED_PROXIES = n the n-th entry of X-Forwarded-For from the right: each proxy
    adds the address that it was called from, and what stands further left the client wrote itself.
    A request with fewer entries did not come through all of them, nor one that comes from none of
    DOCKERNET_PROXY_ADDRESSES: its own address counts.
    """
    trusted = settings.DOCKERNET_TRUSTED_PROXIES if _by_proxy(request) else 0
    entries = request.headers.get("X-Forwarded-For", "").split(",") if trusted else []
    if trusted and len(entries) >= trusted:
        try:
            return str(ip_address(entries[-trusted].strip()))
        except ValueError:
            pass
    return str(request.META.get("REMOTE_ADDR") or "unknown")


def _by_proxy(request: HttpRequest) -> bool:
    """Return True if who called is a proxy of ours."""
    try:
        peer = ip_address(str(request.META.get("REMOTE_ADDR")))
    except ValueError:
        return False
    mapped = peer.ipv4_mapped if peer.version == 6 else None
    return any((mapped or peer) in network for network in settings.DOCKERNET_PROXY_ADDRESSES)


def _forget_claims(request: HttpRequest) -> None:
    if not _by_proxy(request):
        for name in _CLAIMS:
            request.META.pop(name, None)


@sync_and_async_middleware
def forwarded_by_proxies_only(get_response: Any) -> Any:
    """Middleware: what only a proxy may say is dropped when somebody else says it.

    Django believes X-Forwarded-Proto from anyone (SECURE_PROXY_SSL_HEADER).
    """
    if iscoroutinefunction(get_response):

        async def in_loop(request: HttpRequest) -> HttpResponseBase:
            _forget_claims(request)
            response: HttpResponseBase = await get_response(request)
            return response

        return in_loop

    def in_thread(request: HttpRequest) -> HttpResponseBase:
        _forget_claims(request)
        response: HttpResponseBase = get_response(request)
        return response

    return in_thread


def _of(request: HttpRequest) -> Origin:
    via = "api" if request.path.startswith("/api/") else "page"
    return Origin(via, client_address(request))


@sync_and_async_middleware
def origin_of_request(get_response: Any) -> Any:
    """Middleware: what a request does comes from its client's address."""
    if iscoroutinefunction(get_response):

        async def in_loop(request: HttpRequest) -> HttpResponseBase:
            with origin_set(_of(request)):
                response: HttpResponseBase = await get_response(request)
            return response

        return in_loop

    def in_thread(request: HttpRequest) -> HttpResponseBase:
        with origin_set(_of(request)):
            response: HttpResponseBase = get_response(request)
        return response

    return in_thread
