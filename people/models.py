"""People and their API tokens."""

from __future__ import annotations

from datetime import timedelta

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property

from people.roles import Role, includes

NEEDS_SECOND_FACTOR = "Your role needs a second factor: set it up on the page “My log-in” first."
# A token that has no longer than this is said to expire soon.
SOON = timedelta(days=14)


class User(AbstractUser):
    """A person or a script with a role. Roles replace Django's own permissions."""

    role = models.CharField(max_length=16, choices=Role, default=Role.VIEWER)
    # The language of the pages and of what is sent to this person; "": as the browser asks.
    language = models.CharField(max_length=8, blank=True)

    def has_role(self, wanted: str) -> bool:
        """Return True if this person's role includes `wanted`, and they may act on it."""
        if not self.is_active or not includes(self.role, wanted):
            return False
        return wanted == Role.VIEWER or not self.must_add_mfa

    @cached_property
    def must_add_mfa(self) -> bool:
        """True for who needs a second factor for their role (DOCKERNET_REQUIRE_MFA) and has none.

        An account that nobody can log in to, of a script, has its tokens alone and needs none.
        """
        if self.role not in settings.DOCKERNET_REQUIRE_MFA:
            return False
        if not self.has_usable_password() and not SocialAccount.objects.filter(user=self).exists():
            return False
        return not Authenticator.objects.filter(user=self, type=Authenticator.Type.TOTP).exists()

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
    # Made in the browser, by who was logged in as the owner: what a stolen password can make.
    from_page = models.BooleanField(default=False)

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
