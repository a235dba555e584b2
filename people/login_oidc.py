"""People whom an OpenID Connect provider vouches for."""

from __future__ import annotations

import re
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import render

from people.login_notes import own_account_note
from people.models import User

# Plain letters: a name with others can look like somebody else's, in a review or the audit log.
_NAME = re.compile(r"[A-Za-z0-9.@+_-]{1,150}")
# What the site itself is called where a person's name would stand.
_OURS = frozenset({"dockernet", "site"})
_NO_NAME = (
    "The name that the provider has for you cannot be taken here: names are 1 to 150 of the "
    "letters A to Z, digits and . @ + _ -, and not dockernet or site."
)


class OidcAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """The first log-in makes the person; a local account is never taken over by its name."""

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> Any:
        """Return the provider of the settings; a row in the database would be a back door."""
        apps = super().list_apps(request, provider=provider, client_id=client_id)
        return [app for app in apps if app.pk is None]

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Always: who may log in there may look here, with the role of the settings."""
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Let addresses of mail decide nothing, and refuse a name that is somebody else's.

        allauth would also tie an identity to the account that is logged in here (`connect`):
        whoever finds an open browser would keep a way in that nobody sees.
        """
        sociallogin.email_addresses = []
        if sociallogin.state.get("process") != AuthProcess.LOGIN:
            _refuse(request, "OpenID Connect logs people in here; it is tied to no account.")
        if sociallogin.is_existing:
            return
        name = sociallogin.user.username
        if not _NAME.fullmatch(name) or name.lower() in _OURS:
            _refuse(request, _NO_NAME)
        if User.objects.filter(username__iexact=name).exists():
            _refuse(request, f"There is an account {name} here already that is not yours.")

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: Any) -> Any:
        """Fill in a new person: the provider's name for them, the role of the settings."""
        texts = {key: value for key, value in data.items() if isinstance(value, str)}
        user = super().populate_user(request, sociallogin, texts)
        # As the provider has it: allauth would cut a long one, to what may be another's.
        user.username = texts.get("username", "")
        user.email = ""
        user.role = settings.DOCKERNET_OIDC_ROLE
        return user

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> Any:
        """Make the person, and note it."""
        user = super().save_user(request, sociallogin, form)
        own_account_note(
            user=user,
            action="user.made",
            message=f"Made at the first log-in through OpenID Connect, as {user.role}.",
        )
        return user


def _refuse(request: HttpRequest, said: str) -> None:
    context = {"said": said}
    page = render(request, "socialaccount/authentication_error.html", context, status=403)
    raise ImmediateHttpResponse(page)
