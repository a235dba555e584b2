"""A service's refusal, put beside the field of a form that it is about."""

from __future__ import annotations

from django import forms

from netops.engine.errors import Refused, SpecInvalid


def refusal_to_form(form: forms.Form, refusal: Refused) -> None:
    """Add a refusal's sentences to a form; what belongs to no field of it goes on top."""
    if isinstance(refusal, SpecInvalid):
        problems = [(field, message) for field, _, message in refusal.problems]
    else:
        problems = [(refusal.field, refusal.message)]
    for field, message in problems:
        name = field.rpartition(".")[2]
        form.add_error(name if name in form.fields else None, message)
