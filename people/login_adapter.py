"""What allauth does differently here. It calls these methods; we call none of them."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from audit.origin import client_address
from people.login_notes import (
    login_failed_note,
    login_note,
    own_account_note,
    switched_off_note,
    throttled_note,
)
from people.models import User
from people.seal import seal, unseal

_SECOND_FACTORS = "second factors"
# allauth's mails, of which none is sent: (action, what the audit log says).
_DONE = {
    "account/email/password_changed": ("user.password_changed", "Changed their password."),
    "mfa/email/totp_activated": ("user.mfa_added", "Set up an authenticator app."),
    "mfa/email/totp_deactivated": ("user.mfa_removed", "Removed their authenticator app."),
    "mfa/email/recovery_codes_generated": ("user.codes_renewed", "Made new recovery codes."),
}
_SAID = {
    "account/messages/password_changed.txt": _(
        "Your password is changed; your other sessions ended, and your API tokens ended."
    ),
    "mfa/messages/totp_activated.txt": _(
        "From now on a log-in also needs a code of your app. Your API tokens ended."
    ),
    "mfa/messages/totp_deactivated.txt": _(
        "The app is removed. A log-in needs the password alone."
    ),
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Local accounts: nobody signs up, no mail is sent, everything is noted."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _("The name or the password is not correct."),
        "incorrect_password": _("The password is not correct."),
        "enter_current_password": _("That is not your password."),
        "too_many_login_attempts": _("Too many tries. Wait five minutes, then try again."),
        "rate_limited": _("Too many tries. Wait five minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: `./dockernet manage user` makes accounts."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return what throttling counts by; the audit log has the same address."""
        return client_address(request)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # allauth puts the Host header before the name: with a port in it that varies (Django lets
        # any port pass) nobody would ever be throttled.
        return str(credentials.get("username", "")).lower()

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse unread what is tried too often; raises ValidationError."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            throttled_note(name=str(credentials.get("username", "")))
            raise

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return the person; None also for one who is switched off: a guesser learns nothing."""
        user: User | None = super().authenticate(request, **credentials)
        if user is None or user.is_active:
            return user
        self.authentication_failed(request, **credentials)
        return None

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Note the name that was tried."""
        login_failed_note(name=str(credentials.get("username", "")))

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        """Answer somebody whom OpenID Connect knows and who is switched off here."""
        switched_off_note(user=user)
        said = _("Your account here is switched off. Ask an admin of Dockernet.")
        return render(request, "403.html", {"exception": said}, status=403)

    def login(self, request: HttpRequest, user: Any) -> None:
        """Open the session (Django gives it a new key) and note it."""
        methods = {record["method"] for record in get_authentication_records(request, user)}
        super().login(request, user)
        login_note(user=user, second_factor="mfa" in methods, oidc="socialaccount" in methods)

    def logout(self, request: HttpRequest) -> None:
        """Note it and end the session."""
        if isinstance(request.user, User):
            own_account_note(user=request.user, action="user.logged_out", message="Logged out.")
        super().logout(request)

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: Any = None, email: Any = None
    ) -> None:
        """Note what allauth would send a mail about."""
        if template_prefix in _DONE:
            action, message = _DONE[template_prefix]
            own_account_note(user=user, action=action, message=message)

    def add_message(
        self, request: HttpRequest, level: int, message_template: str = "", *args: Any, **rest: Any
    ) -> None:
        """Say what was done in our words; what has none is plain to see."""
        if said := _SAID.get(message_template):
            super().add_message(request, level, message=said)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Return where one goes from there: the hosts."""
        return str(settings.LOGIN_REDIRECT_URL)


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors; their secrets are of no use to who has the database alone."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _(
            "The code is not correct, or it was used already. Wait for the next one."
        ),
    }

    def get_totp_label(self, user: Any) -> str:
        """Return what the app shows beside the site's name."""
        return str(user.username)

    def encrypt(self, text: str) -> str:
        """Return a secret as the database keeps it."""
        return seal(text, purpose=_SECOND_FACTORS)

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret; raises InvalidToken after SECRET_KEY was changed."""
        return unseal(encrypted_text, purpose=_SECOND_FACTORS)
