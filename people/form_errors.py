"""A service's refusal, put beside the field of a form that it is about."""

from __future__ import annotations

import re

from django import forms

from netops.engine.errors import Refused, SpecInvalid

_ITEM = re.compile(r"([a-z_]+)\[([0-9]+)\]")


def refusal_to_form(form: forms.Form, refusal: Refused) -> None:
    """Add a refusal's sentences to a form; what belongs to no field of it goes on top."""
    for name, message in worded(form, refusal):
        form.add_error(name if name in form.fields else None, message)


def worded(form: forms.Form, refusal: Refused) -> list[tuple[str, str]]:
    """Return a refusal's sentences as the form says them, each with the field it is about.

    A fault of `publish[1].to` is one of the field `publish`, with the number of its line, as the
    form's `line_of` has it, and in the form's own words where it has some (`in_form`).
    """
    if isinstance(refusal, SpecInvalid):
        problems = list(refusal.problems)
    else:
        problems = [(refusal.field, refusal.code, refusal.message)]
    in_form, line_of = getattr(form, "in_form", None), getattr(form, "line_of", None)
    found = []
    for field, code, message in problems:
        name = field.rpartition(".")[2]
        message = (in_form and in_form(name, code)) or message
        item = _ITEM.match(field)
        if item and item[1] in form.fields:
            name = item[1]
            line = line_of(name, int(item[2])) if line_of else int(item[2]) + 1
            message = f"Line {line}: {message}"
        found.append((name, message))
    return found
