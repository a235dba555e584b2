"""The forms of logging in: allauth's, with our fields' look and names."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.utils.translation import gettext_lazy as _

from people.login_notes import code_failed_note


def _dress(form: forms.BaseForm) -> None:
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)
        field.widget.attrs["class"] = "form-control"


class LoginForm(account.LoginForm):  # type: ignore[misc]
    """Name and password, sent as `username` and `password` as scripts and tests know them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs["autofocus"] = True
        _dress(self)

    def add_prefix(self, field_name: str) -> str:
        """allauth calls the field `login`, whatever it takes."""
        return str(super().add_prefix("username" if field_name == "login" else field_name))


class PasswordAgainForm(account.ReauthenticateForm):  # type: ignore[misc]
    """The password once more, before something that an open browser must not do alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self)


class PasswordChangeForm(account.ChangePasswordForm):  # type: ignore[misc]
    """The password that holds, and the new one twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = _("Your password now")
        self.fields["password1"].label = _("New password")
        self.fields["password2"].label = _("New password, again")
        _dress(self)


def _dress_code(form: forms.BaseForm) -> None:
    form.fields["code"].widget.attrs |= {"inputmode": "numeric", "autofocus": True}
    _dress(form)


class CodeForm(mfa.AuthenticateForm):  # type: ignore[misc]
    """The code of the app, or a recovery code, at log-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress_code(self)

    def _emit_authentication_failed(self, authenticator: Any) -> None:
        super()._emit_authentication_failed(authenticator)
        code_failed_note(user=self.user)


class CodeAgainForm(mfa.ReauthenticateForm):  # type: ignore[misc]
    """The code once more, before something that an open browser must not do alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress_code(self)

    def _emit_authentication_failed(self, authenticator: Any) -> None:
        super()._emit_authentication_failed(authenticator)
        code_failed_note(user=self.user)


class AppForm(ActivateTOTPForm):  # type: ignore[misc]
    """The first code of an app that has just read the QR code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("The six digits that the app shows now")
        _dress_code(self)
