"""The forms of changes, one for each kind."""

from __future__ import annotations

from netops.forms_base import ChangeForm
from netops.forms_nat import NatForm
from netops.forms_subnet import SubnetForm

FORMS: dict[str, type[ChangeForm]] = {SubnetForm.kind: SubnetForm, NatForm.kind: NatForm}


def form_class(kind: str) -> type[ChangeForm]:
    """Return the form of a kind, the subnet's for one that is not known."""
    return FORMS.get(kind, SubnetForm)
