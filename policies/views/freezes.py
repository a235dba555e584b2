"""Freezes: those to come, and those of every week."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from hosts.selectors import environments
from netops.engine.errors import Refused
from people.form_errors import refusal_to_form
from people.requests import UserRequest
from people.views_refusals import shown_if_missing
from policies.forms import FreezeForm, WeeklyFreezeForm
from policies.selectors import freeze_list, weekly_list
from policies.services import freeze_add, freeze_remove, weekly_freeze_add, weekly_freeze_remove
from policies.services.checks import require_admin


@login_required
@require_http_methods(["GET", "POST"])
@shown_if_missing
def freezes(request: UserRequest) -> HttpResponse:
    """All freezes that are not over; an admin adds a window."""
    if request.method == "POST":
        require_admin(request.user)
    form = FreezeForm(request.POST or None, auto_id="window_%s")
    if form.is_valid():
        try:
            freeze_add(user=request.user, **form.values())
        except Refused as refusal:
            refusal_to_form(form, refusal)
        else:
            messages.success(request, "Added.")
            return redirect("policies:freezes")
    return _page(request, form, _weekly_form())


@login_required
@require_POST
@shown_if_missing
def weekly(request: UserRequest) -> HttpResponse:
    """Add a freeze of every week."""
    require_admin(request.user)
    form = _weekly_form(request)
    if form.is_valid():
        try:
            weekly_freeze_add(user=request.user, **form.values())
        except Refused as refusal:
            refusal_to_form(form, refusal)
        else:
            messages.success(request, "Added.")
            return redirect("policies:freezes")
    return _page(request, FreezeForm(auto_id="window_%s"), form)


def _weekly_form(request: UserRequest | None = None) -> WeeklyFreezeForm:
    return WeeklyFreezeForm(request.POST if request else None, auto_id="weekly_%s")


def _page(request: UserRequest, form: FreezeForm, weekly_form: WeeklyFreezeForm) -> HttpResponse:
    context = {
        "windows": freeze_list(),
        "weekly": weekly_list(),
        "form": form,
        "weekly_form": weekly_form,
        "environments": environments(),
    }
    status = 422 if form.errors or weekly_form.errors else 200
    return render(request, "policies/freezes.html", context, status=status)


@login_required
@require_POST
@shown_if_missing
def remove(request: UserRequest, pk: int) -> HttpResponse:
    """End a freeze, or take one that is to come off the list."""
    if freeze_remove(user=request.user, pk=pk):
        messages.success(request, _("The freeze is removed."))
    return redirect("policies:freezes")


@login_required
@require_POST
@shown_if_missing
def weekly_remove(request: UserRequest, pk: int) -> HttpResponse:
    """Remove a freeze of every week."""
    if weekly_freeze_remove(user=request.user, pk=pk):
        messages.success(request, _("The freeze is removed."))
    return redirect("policies:freezes")
