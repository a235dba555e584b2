"""The four roles, in order: each may do what the former may, and more."""

from __future__ import annotations

from django.db import models


class Role(models.TextChoices):
    """viewer reads, operator asks for changes, approver judges them, admin does all."""

    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    APPROVER = "approver", "Approver"
    ADMIN = "admin", "Admin"


_RANK = {role: rank for rank, role in enumerate(Role.values)}


def includes(role: str, wanted: str) -> bool:
    """Return True if `role` may do what `wanted` may; an unknown role may nothing."""
    return _RANK.get(role, -1) >= _RANK[wanted]
