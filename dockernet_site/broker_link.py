"""How the site's own connections check a broker with TLS: its certificate and its name, always."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ImproperlyConfigured


def tls_options(url: str, ca: str) -> dict[str, Any]:
    """Return what redis-py takes beside `url`; `ca` is a PEM file, "" for the system's own.

    {} without TLS.
    """
    if urlsplit(url).scheme != "rediss":
        return {}
    options: dict[str, Any] = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    return options | ({"ssl_ca_certs": ca} if ca else {})


def celery_tls(url: str, ca: str) -> dict[str, Any] | None:
    """Return the same as Celery's `broker_use_ssl`, which takes constants for names."""
    options = tls_options(url, ca)
    return options | {"ssl_cert_reqs": ssl.CERT_REQUIRED} if options else None


def require_checked(name: str, url: str) -> str:
    """Return the URL; raises ImproperlyConfigured where its query would weaken the checks."""
    if any(key.lower().startswith("ssl_") for key in parse_qs(urlsplit(url).query, True)):
        raise ImproperlyConfigured(
            f"{name} must have no ssl_ options; certificates are always checked, against"
            " DOCKERNET_BROKER_CA if it is set."
        )
    return url
