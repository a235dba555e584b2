"""Adding a host."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from hosts.forms import HostForm
from hosts.models import Host
from hosts.services.enrolment import host_create
from netops.engine.errors import Refused
from people.form_errors import refusal_to_form
from people.requests import UserRequest
from people.seal import keep_for_next_page


def enrolment_line_name(host: Host) -> str:
    """Return under which name a session keeps the line until the host's page shows it."""
    return f"enroll-command-{host.pk}"


@login_required
@require_http_methods(["GET", "POST"])
def add(request: UserRequest) -> HttpResponse:
    """Register a host; its page then shows the enrolment line, once."""
    if not request.user.is_site_admin:
        raise PermissionDenied("Only an admin adds hosts.")
    form = HostForm(request.POST or None)
    if form.is_valid():
        try:
            host, command = host_create(user=request.user, **form.cleaned_data)
        except Refused as refusal:
            refusal_to_form(form, refusal)
        else:
            keep_for_next_page(request.session, enrolment_line_name(host), command)
            return redirect("hosts:detail", host.name)
    return render(request, "hosts/add.html", {"form": form}, status=422 if form.errors else 200)
