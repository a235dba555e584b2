"""Log-in through an OpenID Connect provider, by the environment alone."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from dockernet_site import env

PROVIDER_ID = "oidc"
_ALL = ("DOCKERNET_OIDC_URL", "DOCKERNET_OIDC_CLIENT_ID", "DOCKERNET_OIDC_CLIENT_SECRET")
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def oidc_providers() -> dict[str, Any]:
    """Return the provider as allauth's SOCIALACCOUNT_PROVIDERS has it, {} when none is named.

    Raises ImproperlyConfigured when only some of the variables are set, or when the provider is
    neither https nor on this machine: who stands between could log in as anybody.
    """
    server = env.url("DOCKERNET_OIDC_URL", "", ("https", "http"))
    missing = [name for name in _ALL if not env.text(name)]
    if len(missing) == len(_ALL):
        return {}
    if missing:
        raise ImproperlyConfigured(f"{', '.join(_ALL)} go together; missing: {', '.join(missing)}.")
    if server.startswith("http://") and env.host_of(server) not in _LOOPBACK:
        raise ImproperlyConfigured("DOCKERNET_OIDC_URL must start with https://.")
    app = {
        "provider_id": PROVIDER_ID,
        "name": env.text("DOCKERNET_OIDC_NAME", "OpenID Connect"),
        "client_id": env.text("DOCKERNET_OIDC_CLIENT_ID"),
        "secret": env.text("DOCKERNET_OIDC_CLIENT_SECRET"),
        "settings": {"server_url": server},
    }
    return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
