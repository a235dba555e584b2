"""Reads of people and tokens."""

from __future__ import annotations

from django.db.models import QuerySet

from people.models import ApiToken, User


def token_list(*, user: User) -> QuerySet[ApiToken]:
    """Return a person's API tokens, newest first."""
    return ApiToken.objects.filter(user=user).order_by("-created_at", "-pk")
