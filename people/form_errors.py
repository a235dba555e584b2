"""A service's refusal, put beside the field of a form that it is about."""

from __future__ import annotations

from django import forms

from netops.engine.errors import Refused, SpecInvalid


def refusal_to_form(form: forms.Form, refusal: Refused) -> None:
    """Add a refusal's sentences to a form; what belongs to no field of it goes on top."""
    for name, message in worded(form, refusal):
        form.add_error(name if name in form.fields else None, message)


def worded(form: forms.Form, refusal: Refused) -> list[tuple[str, str]]:
    """Return a refusal's sentences as the form says them (its `said_of`), each with the field that
    it is about, and each once."""
    if isinstance(refusal, SpecInvalid):
        problems = list(refusal.problems)
    else:
        problems = [(refusal.field, refusal.code, refusal.message)]
    said_of = getattr(form, "said_of", _as_it_is)
    return list(dict.fromkeys(said_of(*problem) for problem in problems))


def _as_it_is(field: str, _: str, message: str) -> tuple[str, str]:
    return field.rpartition(".")[2], message
