"""What the history of changes can be narrowed by; all of it stands in the URL."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from hosts.selectors import environments
from netops.kinds import KIND_WORDS
from netops.states import State
from netops.words import state_word

_Choices = list[tuple[str, Any]]
_TEXT = {"class": "form-control", "autocomplete": "off"}
_SEARCH = {**_TEXT, "type": "search"}
_DAY = {**_TEXT, "type": "date"}


def _select() -> forms.Select:
    return forms.Select({"class": "form-select"})


class HistoryForm(forms.Form):
    """Words to look for, where, what, who, when. Each may be empty."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=200,
        widget=forms.TextInput({**_SEARCH, "placeholder": _("Host, reason, person, subnet or #")}),
    )
    state = forms.CharField(label=_("State"), required=False, max_length=20, widget=_select())
    kind = forms.CharField(label=_("Kind"), required=False, max_length=16, widget=_select())
    environment = forms.CharField(
        label=_("Environment"), required=False, max_length=63, widget=_select()
    )
    host = forms.CharField(
        label=_("Host"), required=False, max_length=63, widget=forms.TextInput(_SEARCH)
    )
    requester = forms.CharField(
        label=_("Requested by"), required=False, max_length=150, widget=forms.TextInput(_SEARCH)
    )
    since = forms.DateField(
        label=_("From (UTC)"), required=False, widget=forms.DateInput(_DAY, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("To (UTC)"), required=False, widget=forms.DateInput(_DAY, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._choose("state", [(str(state), state_word(state).label) for state in State])
        self._choose("kind", [(kind, words.title) for kind, words in KIND_WORDS.items()])
        # Read when it is shown: the rows alone do not need it.
        self._choose("environment", lambda: [(name, name) for name in environments()])

    def _choose(self, name: str, choices: _Choices | Callable[[], _Choices]) -> None:
        @cache
        def all_and_choices() -> _Choices:
            return [("", _("All")), *(choices() if callable(choices) else choices)]

        widget = self.fields[name].widget
        assert isinstance(widget, forms.Select)
        widget.choices = cast(_Choices, all_and_choices)  # Django calls what can be called.

    def clean(self) -> dict[str, Any]:
        """Refuse days in the wrong order."""
        found = super().clean() or {}
        since, until = found.get("since"), found.get("until")
        if since and until and since > until:
            self.add_error("until", _("The last day is before the first."))
        return found

    @property
    def filters(self) -> dict[str, Any]:
        """What `selectors.change_history` is called with, once the form is valid."""
        given = dict(self.cleaned_data)
        given["requested_by"] = given.pop("requester")
        return given
