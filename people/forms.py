"""Forms about one's own account."""

from __future__ import annotations

from django import forms
from django.contrib.auth.forms import AuthenticationForm

from people.services.tokens import DEFAULT_DAYS

_TEXT = {"class": "form-control"}


class LoginForm(AuthenticationForm):
    """Name and password."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for field in self.fields.values():
            field.widget.attrs.update(_TEXT)


class TokenForm(forms.Form):
    """A new API token."""

    label = forms.CharField(
        max_length=100,
        help_text="What it is for, such as “deploy script”.",
        widget=forms.TextInput(_TEXT | {"autocomplete": "off"}),
    )
    days = forms.TypedChoiceField(
        label="Valid for",
        coerce=int,
        choices=[(30, "30 days"), (90, "90 days"), (365, "a year"), (0, "ever, until revoked")],
        initial=DEFAULT_DAYS,
        help_text="A token that is lost should not open anything for ever.",
        widget=forms.Select({"class": "form-select"}),
    )
