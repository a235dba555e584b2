"""Ranges that containers must not use."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from hosts.forms import RangeForm
from hosts.selectors import reserved_list
from hosts.services.reserved import reserved_range_add, reserved_range_remove
from netops.engine.errors import Refused
from people.form_errors import refusal_to_form
from people.requests import UserRequest


@login_required
@require_http_methods(["GET", "POST"])
def ranges(request: UserRequest) -> HttpResponse:
    """All reserved ranges; an admin adds one."""
    if request.method == "POST" and not request.user.is_site_admin:
        raise PermissionDenied("Only an admin edits reserved ranges.")
    form = RangeForm(request.POST or None)
    if form.is_valid():
        try:
            added = reserved_range_add(user=request.user, **form.cleaned_data)
        except Refused as refusal:
            refusal_to_form(form, refusal)
        else:
            messages.success(request, f"{added.subnet} is reserved from now on.")
            return redirect("hosts:ranges")
    context = {"ranges": reserved_list(), "form": form}
    return render(request, "hosts/ranges.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def remove(request: UserRequest, pk: int) -> HttpResponse:
    """Give a range back."""
    if not request.user.is_site_admin:
        raise PermissionDenied("Only an admin edits reserved ranges.")
    if reserved_range_remove(user=request.user, pk=pk):
        messages.success(request, "The range is free again.")
    return redirect("hosts:ranges")
