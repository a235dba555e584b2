"""Forms about one's own account."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from people.services.tokens import DEFAULT_DAYS

_TEXT = {"class": "form-control"}


class TokenForm(forms.Form):
    """A new API token."""

    label = forms.CharField(
        label=_("Label"),
        max_length=100,
        help_text=_("What it is for, such as “deploy script”."),
        widget=forms.TextInput(_TEXT | {"autocomplete": "off"}),
    )
    days = forms.TypedChoiceField(
        label=_("Valid for"),
        coerce=int,
        choices=[
            (30, _("30 days")),
            (90, _("90 days")),
            (365, _("a year")),
            (0, _("ever, until revoked")),
        ],
        initial=DEFAULT_DAYS,
        help_text=_("A token that is lost should not open anything for ever."),
        widget=forms.Select({"class": "form-select"}),
    )
