"""Ranges that containers must not use: reserved, changed and given back on the map."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hosts.forms import RangeForm
from hosts.models import ReservedRange
from hosts.selectors import reserved_list
from hosts.services.reserved import (
    reserved_range_add,
    reserved_range_edit,
    reserved_range_remove,
)
from hosts.views.address_map import map_page
from netops.engine.errors import Refused
from people.form_errors import refusal_to_form
from people.requests import UserRequest


@login_required
@require_http_methods(["GET", "POST"])
def ranges(request: UserRequest) -> HttpResponse:
    """Reserve a range. The list of them is part of the map, where the former address leads."""
    if request.method == "GET":
        return redirect("hosts:map")
    _require_admin(request)
    form = RangeForm(request.POST)
    if form.is_valid():
        try:
            added = reserved_range_add(user=request.user, **form.cleaned_data)
        except Refused as refusal:
            refusal_to_form(form, refusal)
        else:
            said = _("%(range)s is reserved from now on.") % {"range": added.subnet}
            messages.success(request, said)
            return redirect("hosts:map")
    return map_page(request, form=form, status=422)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: UserRequest, pk: int) -> HttpResponse:
    """Change a range or what it is."""
    _require_admin(request)
    row = reserved_list().filter(pk=pk).first()
    if row is None:
        raise Http404
    form = RangeForm(request.POST or None, initial={"subnet": row.subnet, "label": row.label})
    if request.method == "POST" and form.is_valid() and _edited(request, form, row):
        return redirect("hosts:map")
    status = 422 if form.errors else 200
    return render(request, "hosts/range_edit.html", {"form": form, "range": row}, status=status)


def _edited(request: UserRequest, form: RangeForm, row: ReservedRange) -> bool:
    try:
        kept = reserved_range_edit(user=request.user, pk=row.pk, **form.cleaned_data)
    except Refused as refusal:
        refusal_to_form(form, refusal)
        return False
    if kept is not None:
        said = _("%(range)s is reserved for %(label)s.")
        messages.success(request, said % {"range": kept.subnet, "label": kept.label})
    return True


@login_required
@require_http_methods(["GET", "POST"])
def remove(request: UserRequest, pk: int) -> HttpResponse:
    """Ask whether a range shall be given back, and do so."""
    _require_admin(request)
    if request.method == "GET":
        return _ask_remove(request, pk)
    if reserved_range_remove(user=request.user, pk=pk):
        messages.success(request, _("The range is free again."))
    return redirect("hosts:map")


def _ask_remove(request: UserRequest, pk: int) -> HttpResponse:
    row = reserved_list().filter(pk=pk).first()
    if row is None:
        raise Http404
    then = _(
        "It is reserved for %(label)s. Without that, hosts may get these addresses for their "
        "containers, and the map offers them as free."
    )
    context = {
        "question": _("Give %(range)s back?") % {"range": row.subnet},
        "lines": [then % {"label": row.label}],
        "button": _("Give it back"),
        "back": reverse("hosts:map"),
    }
    return render(request, "ask_remove.html", context)


def _require_admin(request: UserRequest) -> None:
    if not request.user.is_site_admin:
        raise PermissionDenied(_("Only an admin edits reserved ranges."))
