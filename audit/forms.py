"""What the page of the audit log can be narrowed by; all of it stands in the URL."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from audit.selectors import actions_in_use

_TEXT = {"class": "form-control", "autocomplete": "off"}
_DAY = {**_TEXT, "type": "date"}


class FilterForm(forms.Form):
    """Who, what, to what, when, and words to look for. Each may be empty."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=200,
        widget=forms.TextInput(
            {**_TEXT, "type": "search", "placeholder": _("Words, name or address")}
        ),
    )
    by = forms.CharField(
        label=_("Who"), required=False, max_length=150, widget=forms.TextInput({**_TEXT})
    )
    action = forms.CharField(
        label=_("Action"),
        required=False,
        max_length=64,
        widget=forms.Select({"class": "form-select"}),
    )
    target = forms.CharField(
        label=_("Target"),
        required=False,
        max_length=128,
        widget=forms.TextInput({**_TEXT, "placeholder": "host:web-1"}),
    )
    since = forms.DateField(
        label=_("From (UTC)"), required=False, widget=forms.DateInput(_DAY, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("To (UTC)"), required=False, widget=forms.DateInput(_DAY, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: list[Any] = [("", _("All"))]
        for noun, actions in actions_in_use():
            whole = [(noun, _("all of %(noun)s") % {"noun": noun})] if len(actions) > 1 else []
            choices.append((noun, [*whole, *((action, action) for action in actions)]))
        widget = self.fields["action"].widget
        assert isinstance(widget, forms.Select)
        widget.choices = choices

    def clean(self) -> dict[str, Any]:
        """Refuse days in the wrong order."""
        found = super().clean() or {}
        since, until = found.get("since"), found.get("until")
        if since and until and since > until:
            self.add_error("until", _("The last day is before the first."))
        return found
