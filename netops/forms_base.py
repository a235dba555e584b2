"""What the forms of all kinds of change have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

LINE = {"class": "form-control", "autocomplete": "off", "spellcheck": "false"}
MONO = {**LINE, "class": "form-control mono"}
NEEDED = {"aria-required": "true"}


class ChangeForm(forms.Form):
    """Host and reason; a kind adds its own fields. It carries the input; the service judges it.

    No field is required here, so that every fault is told by the same service and in the same
    words as the API tells it. `heading` and `lead` stand above the form, `template` has its
    fields, `side` is what stands beside them, `short` names the kind where one is chosen.
    """

    kind: ClassVar[str]
    short: ClassVar[str]
    heading: ClassVar[str]
    lead: ClassVar[str]
    template: ClassVar[str]
    side: ClassVar[str]

    host = forms.CharField(
        required=False,
        max_length=63,
        widget=forms.TextInput(LINE | NEEDED | {"list": "host-names"}),
    )
    reason = forms.CharField(
        required=False,
        max_length=2000,
        help_text="It stays in the record, for whoever looks back in a year.",
        widget=forms.Textarea(NEEDED | {"class": "form-control", "rows": 3}),
    )

    def spec(self) -> dict[str, Any]:
        """Return the specification as the API would get it."""
        raise NotImplementedError

    @staticmethod
    def initial_of(spec: dict[str, Any]) -> dict[str, Any]:
        """Return the initial values that show a specification."""
        raise NotImplementedError

    def line_of(self, field: str, index: int) -> int:
        """Return which line of a field holds item `index` (from 0) of the list made of it."""
        return index + 1
