"""What the forms of all kinds of change have in common."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from language.said import said
from netops.models import Change

_ITEM = re.compile(r"([a-z_]+)\[([0-9]+)\]")
LINE = {"class": "form-control", "autocomplete": "off", "spellcheck": "false"}
MONO = {**LINE, "class": "form-control mono"}
NEEDED = {"aria-required": "true"}


class ChangeForm(forms.Form):
    """Host and reason; a kind adds its own fields. It carries the input; the service judges it.

    No field is required here, so that every fault is told by the same service and in the same
    words as the API tells it; what was left empty, which the API tells by its key, is told in the
    words of `missing`. `heading` and `lead` stand above the form, `template` has its
    fields, `side` is what stands beside them, `short` names the kind where one is chosen.
    """

    kind: ClassVar[str]
    short: ClassVar[str | Promise]
    heading: ClassVar[str | Promise]
    lead: ClassVar[str | Promise]
    template: ClassVar[str]
    side: ClassVar[str]
    missing: ClassVar[dict[str, str | Promise]] = {"subnet": _("Which subnet?")}

    host = forms.CharField(
        required=False,
        label=_("Host"),
        max_length=63,
        widget=forms.TextInput(LINE | NEEDED | {"list": "host-names"}),
    )
    reason = forms.CharField(
        required=False,
        label=_("Reason"),
        max_length=2000,
        help_text=_("It stays in the record, for whoever looks back in a year."),
        widget=forms.Textarea(NEEDED | {"class": "form-control", "rows": 3}),
    )

    confirm = forms.ChoiceField(
        required=False,
        initial=Change.Confirm.SITE,
        label=_("When all is done, who confirms it?"),
        choices=[
            (Change.Confirm.SITE.value, _("Dockernet, as soon as the host reaches it afresh")),
            (Change.Confirm.PERSON.value, _("A person, on the page of the change")),
        ],
        widget=forms.RadioSelect,
    )
    confirm_window_s = forms.CharField(
        required=False,
        max_length=8,
        initial=60,
        label=_("Seconds to confirm"),
        widget=forms.TextInput(LINE | NEEDED | {"inputmode": "numeric"}),
    )

    def confirm_fields(self) -> dict[str, Any]:
        """Return who confirms and within how many seconds; -1 for what is no number."""
        told = str(self.cleaned_data.get("confirm_window_s") or "60")
        seconds = int(told) if told.isascii() and told.isdecimal() else -1
        confirm = self.cleaned_data.get("confirm") or Change.Confirm.SITE
        return {"confirm": confirm, "confirm_window_s": seconds}

    def spec(self) -> dict[str, Any]:
        """Return the specification as the API would get it."""
        raise NotImplementedError

    @staticmethod
    def initial_of(spec: dict[str, Any]) -> dict[str, Any]:
        """Return the initial values that show a specification."""
        raise NotImplementedError

    def said_of(self, field: str, code: str, message: str) -> tuple[str, str]:
        """Return which field of the form a fault is about, and how the form says it.

        A fault of `publish[1].to` is one of the field `publish`, with the number of its line.
        """
        item = _ITEM.match(field)
        if item and item[1] in self.fields:
            name, index = item[1], int(item[2])
            fault = self.odd_line(name, index) or said(message)
            numbered = _("Line %(line)d: %(fault)s")
            return name, str(numbered) % {"line": self.line_of(name, index), "fault": fault}
        name = field.rpartition(".")[2]
        own = self.missing.get(name, "") if code == "required" else ""
        return name, str(own) or message

    def odd_line(self, field: str, index: int) -> str:
        """Return how a line is written, for one that is not written like it; "" for any other."""
        return ""

    def line_of(self, field: str, index: int) -> int:
        """Return which line of a field holds item `index` (from 0) of the list made of it."""
        return index + 1
