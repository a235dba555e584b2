"""A service's refusal, put beside the field of a form that it is about."""

from __future__ import annotations

import re

from django import forms

from netops.engine.errors import Refused, SpecInvalid

_ITEM = re.compile(r"([a-z_]+)\[([0-9]+)\]")


def refusal_to_form(form: forms.Form, refusal: Refused) -> None:
    """Add a refusal's sentences to a form; what belongs to no field of it goes on top.

    A fault of `publish[1].to` stands beside the field `publish` with the number of its line, as
    the form's `line_of` has it, and in the form's own words where it has some (`in_form`).
    """
    if isinstance(refusal, SpecInvalid):
        problems = list(refusal.problems)
    else:
        problems = [(refusal.field, refusal.code, refusal.message)]
    in_form = getattr(form, "in_form", None)
    for field, code, message in problems:
        name = field.rpartition(".")[2]
        message = (in_form and in_form(name, code)) or message
        item = _ITEM.match(field)
        if item and item[1] in form.fields:
            name, line_of = item[1], getattr(form, "line_of", None)
            line = line_of(name, int(item[2])) if line_of else int(item[2]) + 1
            message = f"Line {line}: {message}"
        form.add_error(name if name in form.fields else None, message)
