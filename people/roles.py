"""The four roles, in order: each may do what the former may, and more."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """viewer reads, operator asks for changes, approver judges them, admin does all."""

    VIEWER = "viewer", _("Viewer")
    OPERATOR = "operator", _("Operator")
    APPROVER = "approver", _("Approver")
    ADMIN = "admin", _("Admin")


_RANK = {role: rank for rank, role in enumerate(Role.values)}


def includes(role: str, wanted: str) -> bool:
    """Return True if `role` may do what `wanted` may; an unknown role may nothing."""
    return _RANK.get(role, -1) >= _RANK[wanted]
