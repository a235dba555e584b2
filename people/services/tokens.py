"""API tokens: made, and recognised by their SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from people.models import ApiToken, User

PREFIX = "dn_"
_USE_NOTED_EVERY = timedelta(minutes=1)


def digest_of_token(token: str) -> str:
    """Return the SHA-256 (hex) of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_issue(*, user: User, label: str = "", expires_at: datetime | None = None) -> str:
    """Make a token for `user` and return it; it cannot be read again later."""
    token = PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(
        user=user, digest=digest_of_token(token), label=label[:100], expires_at=expires_at
    )
    return token


def token_revoke(*, user: User, pk: int) -> bool:
    """Delete one of the user's own tokens; False if there is none of that number."""
    return ApiToken.objects.filter(user=user, pk=pk).delete()[0] > 0


def token_user(*, token: str) -> User | None:
    """Return the active user whose valid token this is, None otherwise; notes its use."""
    now = timezone.now()
    found = (
        ApiToken.objects.select_related("user")
        .filter(Q(expires_at=None) | Q(expires_at__gt=now), digest=digest_of_token(token))
        .filter(user__is_active=True)
        .first()
    )
    if found is None:
        return None
    if found.last_used_at is None or now - found.last_used_at > _USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=now)
    return found.user
