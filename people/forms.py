"""Forms about one's own account."""

from __future__ import annotations

from django import forms

from people.services.tokens import DEFAULT_DAYS

_TEXT = {"class": "form-control"}


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
