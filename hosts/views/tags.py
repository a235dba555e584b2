"""The tags of one host, edited by admins."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hosts.fleet_selectors import tag_names
from hosts.forms import TagsForm
from hosts.selectors import host_get
from hosts.services.tags import host_tags_set
from netops.engine.errors import Refused
from people.form_errors import refusal_to_form
from people.requests import UserRequest
from people.views_refusals import shown_if_missing


@login_required
@require_http_methods(["GET", "POST"])
@shown_if_missing
def edit(request: UserRequest, name: str) -> HttpResponse:
    """Give a host other tags."""
    if not request.user.is_site_admin:
        raise PermissionDenied(_("Only an admin tags hosts."))
    host = host_get(name=name)
    now = ", ".join(tag.name for tag in host.tags.all())
    form = TagsForm(request.POST or None, initial={"tags": now})
    if form.is_valid():
        try:
            host_tags_set(user=request.user, host=host, tags=form.cleaned_data["tags"])
        except Refused as refusal:
            refusal_to_form(form, refusal)
        else:
            messages.success(request, _("The tags of %(host)s are saved.") % {"host": host.name})
            return redirect("hosts:detail", host.name)
    context = {"host": host, "form": form, "names": tag_names()[:60]}
    return render(request, "hosts/tags.html", context, status=422 if form.errors else 200)
