"""A person's own webhook: where it is, and the secret that its messages are signed with."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from django.conf import settings

from audit.services import audit_note
from notify.models import Webhook
from notify.senders.guard import allowed
from notify.senders.hook import PURPOSE
from people.errors import InvalidInput
from people.models import User
from people.seal import seal

MOST_URL = 2000


def webhook_save(*, user: User, url: str) -> str:
    """Set where a person's messages are posted; return the new secret, which is shown this once.

    Raises InvalidInput for what is no https URL (plain http: only to this machine, where
    DOCKERNET_WEBHOOK_PRIVATE names it). The address is checked again at each message.
    """
    host = _host_of(url)
    secret = _new_secret()
    kept = {
        "host": host,
        "url_sealed": seal(url, purpose=PURPOSE),
        "secret_sealed": seal(secret, purpose=PURPOSE),
    }
    Webhook.objects.update_or_create(user=user, defaults=kept)
    _note(user, "webhook.set", f"{user.username} set a webhook at {host}.")
    return secret


def secret_renew(*, user: User) -> str:
    """Give a person's webhook a new secret and return it; raises InvalidInput without a webhook."""
    secret = _new_secret()
    hooks = Webhook.objects.filter(user=user)
    if not hooks.update(secret_sealed=seal(secret, purpose=PURPOSE)):
        raise InvalidInput("no-webhook", "You have no webhook.")
    _note(user, "webhook.renewed", f"{user.username} gave their webhook a new secret.")
    return secret


def webhook_remove(*, user: User) -> bool:
    """Remove a person's webhook; what waits for it is given up. False if there was none."""
    if not Webhook.objects.filter(user=user).delete()[0]:
        return False
    _note(user, "webhook.removed", f"{user.username} removed their webhook.")
    return True


def _host_of(url: str) -> str:
    problem = InvalidInput(
        "invalid", "Write an address that begins with https:// and names a host.", "url"
    )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise problem from error
    odd = any(c.isspace() or not c.isprintable() for c in url) or "@" in parts.netloc
    if not host or odd or port == 0 or len(url) > MOST_URL or len(host) > 253:
        raise problem
    if parts.scheme == "https" or (parts.scheme == "http" and _here(host)):
        return host
    raise problem


def _here(host: str) -> bool:
    """True for this machine, where the site's settings let webhooks go to it."""
    address = "127.0.0.1" if host == "localhost" else host
    return bool(settings.DOCKERNET_WEBHOOK_PRIVATE) and allowed(address, plain=True)


def _new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"


def _note(user: User, action: str, message: str) -> None:
    audit_note(action=action, by=user.username, target=f"user:{user.username}", message=message)
