"""People and their API tokens."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone

from people.roles import Role, includes

# A token that has no longer than this is said to expire soon.
SOON = timedelta(days=14)


class User(AbstractUser):
    """A person or a script with a role. Roles replace Django's own permissions."""

    role = models.CharField(max_length=16, choices=Role, default=Role.VIEWER)

    def has_role(self, wanted: str) -> bool:
        """Return True if this person's role includes `wanted`."""
        return self.is_active and includes(self.role, wanted)

    def can_request(self) -> bool:
        """True for those who may ask for changes."""
        return self.has_role(Role.OPERATOR)

    def can_approve(self) -> bool:
        """True for those who may judge changes (never their own)."""
        return self.has_role(Role.APPROVER)

    @property
    def is_site_admin(self) -> bool:
        """True for admins of Dockernet."""
        return self.has_role(Role.ADMIN)


class ApiToken(models.Model):
    """A bearer token of the API. Only its SHA-256 is kept: a token is random, not a password."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    digest = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.label or f"token {self.pk}"

    @property
    def is_expired(self) -> bool:
        """True when its time is over: it opens nothing any more."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def expires_soon(self) -> bool:
        """True when it is good, but for no more than two weeks."""
        if self.expires_at is None or self.is_expired:
            return False
        return self.expires_at - timezone.now() <= SOON
