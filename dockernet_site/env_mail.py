"""The mail server, from one variable: EMAIL_URL."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from dockernet_site import env

_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


def mail_settings() -> dict[str, Any]:
    """Return Django's settings for the server that EMAIL_URL names, empty without one.

    `smtp://host` is without encryption, `smtp+tls://user:password@host` begins with STARTTLS,
    `smtps://...` speaks TLS at once. Raises ImproperlyConfigured.
    """
    url = env.url("EMAIL_URL", "", tuple(_PORTS))
    if not url:
        return {}
    parts = urlsplit(url)
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or _PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
    }
