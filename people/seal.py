"""What the database keeps and only the site can read: sealed with a key made of SECRET_KEY."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

_SHOWN_ONCE = "shown once"


def seal(text: str, *, purpose: str) -> str:
    """Return `text` as it may be kept; each purpose has a key of its own."""
    return _cipher(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """Return the text; raises InvalidToken after SECRET_KEY was changed."""
    return _cipher(purpose).decrypt(sealed.encode()).decode()


def keep_for_next_page(session: SessionBase, name: str, secret: str) -> None:
    """Keep a secret that the next page shows; sessions are rows of the database."""
    session[name] = seal(secret, purpose=_SHOWN_ONCE)


def take_from_last_page(session: SessionBase, name: str) -> str:
    """Return the secret that was kept, this once; "" if there is none that can be read."""
    try:
        return unseal(session.pop(name, ""), purpose=_SHOWN_ONCE)
    except InvalidToken:
        return ""


def _cipher(purpose: str) -> Fernet:
    label = f"dockernet {purpose}\0".encode()
    digest = hashlib.sha256(label + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
