"""Reads of people and tokens."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils import timezone

from people.models import SOON, ApiToken, User


def token_list(*, user: User) -> QuerySet[ApiToken]:
    """Return a person's API tokens, newest first."""
    return ApiToken.objects.filter(user=user).order_by("-created_at", "-pk")


def token_list_all(*, q: str = "", state: str = "") -> QuerySet[ApiToken]:
    """Return everybody's API tokens with their owners, newest first.

    `q` is in the owner's name or the label; `state` is valid, expired, soon (valid, but not for
    long), endless (it never expires) or unused; "" stands for all, another word for none.
    """
    tokens = ApiToken.objects.select_related("user").order_by("-created_at", "-pk")
    if "\x00" in q:
        return tokens.none()
    if q:
        tokens = tokens.filter(Q(user__username__icontains=q) | Q(label__icontains=q))
    if not state:
        return tokens
    now = timezone.now()
    wanted = {
        "valid": Q(expires_at=None) | Q(expires_at__gt=now),
        "expired": Q(expires_at__lte=now),
        "soon": Q(expires_at__gt=now, expires_at__lte=now + SOON),
        "endless": Q(expires_at=None),
        "unused": Q(last_used_at=None),
    }
    return tokens.filter(wanted.get(state, Q(pk__in=[])))


def anybody() -> bool:
    """Return True when there is a user."""
    return User.objects.exists()
