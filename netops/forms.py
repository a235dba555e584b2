"""The forms of changes, one for each kind, and the filters of their list."""

from __future__ import annotations

from netops.forms_subnet import SubnetForm

FORMS: dict[str, type[SubnetForm]] = {SubnetForm.kind: SubnetForm}


def form_class(kind: str) -> type[SubnetForm]:
    """Return the form of a kind, the subnet's for one that is not known."""
    return FORMS.get(kind, SubnetForm)
