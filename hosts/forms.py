"""Forms about hosts and ranges. The services check the input; these only carry it."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from hosts.services.tags import tags_split

_TEXT = {"class": "form-control", "autocomplete": "off", "spellcheck": "false"}


class TagsForm(forms.Form):
    """The tags of a host, as one line; they come out of it as words."""

    tags = forms.CharField(
        label=_("Tags"),
        required=False,
        max_length=400,
        help_text=_("Words to find hosts by, such as gpu or team-shop; commas between them."),
        widget=forms.TextInput(_TEXT),
    )

    def clean_tags(self) -> list[str]:
        return tags_split(self.cleaned_data["tags"])


class HostForm(TagsForm):
    """A new host."""

    name = forms.CharField(
        label=_("Name"),
        max_length=63,
        help_text=_("What your team calls it, such as web-1: a to z, 0 to 9 and -."),
        widget=forms.TextInput(_TEXT | {"autofocus": True}),
    )
    environment = forms.CharField(
        label=_("Environment"),
        required=False,
        max_length=63,
        help_text=_("Such as production or staging; policies, freezes and filters go by it."),
        widget=forms.TextInput(_TEXT),
    )


class RangeForm(forms.Form):
    """A range that containers must not use."""

    subnet = forms.CharField(
        label=_("Range"),
        max_length=18,
        widget=forms.TextInput(
            {**_TEXT, "class": "form-control mono", "placeholder": "10.8.0.0/16"}
        ),
    )
    label = forms.CharField(
        label=_("What it is"),
        max_length=100,
        widget=forms.TextInput(_TEXT | {"placeholder": "VPN"}),
    )
