"""The list of all hosts, and adding one."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from hosts.forms import HostForm
from hosts.models import Host
from hosts.selectors import environments, fleet_is_empty, host_rows
from hosts.services.enrolment import host_create
from netops.engine.errors import Refused
from netops.selectors import changes_holding
from people.form_errors import refusal_to_form
from people.requests import UserRequest
from people.seal import keep_for_next_page

PAGE_SIZE = 50
_FILTERS = ("q", "environment", "status")


def enrolment_line_name(host: Host) -> str:
    """Return under which name a session keeps the line until the host's page shows it."""
    return f"enroll-command-{host.pk}"


@login_required
@require_GET
def fleet(request: UserRequest) -> HttpResponse:
    """All hosts, narrowed by what stands in the URL; htmx gets the rows alone."""
    filters = {name: request.GET.get(name, "").strip() for name in _FILTERS}
    hosts = host_rows(
        search=filters["q"], environment=filters["environment"], status=filters["status"]
    )
    page = Paginator(hosts, PAGE_SIZE).get_page(request.GET.get("page"))
    open_changes = changes_holding(host_ids=[host.pk for host in page.object_list])
    rows = [(host, open_changes.get(host.pk, [])) for host in page.object_list]
    context: dict[str, object] = {"page": page, "rows": rows, "filters": filters}
    if request.htmx:
        return render(request, "hosts/_list_rows.html", context)
    context |= {
        "environments": environments(),
        "statuses": Host.Status.choices,
        "filtered": any(filters.values()),
        "fleet_is_empty": not page.paginator.count and fleet_is_empty(),
    }
    return render(request, "hosts/list.html", context)


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
