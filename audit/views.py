"""The page of the audit log and its exports, for admins: it holds addresses, and mistyped names."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from audit.export import csv_export, json_export
from audit.forms import FilterForm
from audit.presenters import entry_row
from audit.selectors import entry_list
from audit.services import audit_note
from people.requests import UserRequest

PAGE_SIZE = 50
_EXPORTS = {
    "csv": (csv_export, "text/csv; charset=utf-8"),
    "json": (json_export, "application/json"),
}


def _require_admin(request: UserRequest) -> None:
    if not request.user.is_site_admin:
        raise PermissionDenied("Only an admin reads the audit log.")


@login_required
@never_cache
@require_GET
def log(request: UserRequest) -> HttpResponse:
    """The audit log, newest first, narrowed by what stands in the URL."""
    _require_admin(request)
    return _page(request, FilterForm(request.GET))


@login_required
@never_cache
@require_POST
def export(request: UserRequest, kind: str) -> HttpResponseBase:
    """The entries that the page's filters leave, as a file. By POST: it is noted itself."""
    _require_admin(request)
    form = FilterForm(request.GET)
    if not form.is_valid():
        return _page(request, form, status=422)
    write, content_type = _EXPORTS[kind]
    name = request.user.username
    given = {key: str(value) for key, value in form.cleaned_data.items() if value}
    note = audit_note(
        action="audit.exported",
        by=name,
        message=f"{name} exported the audit log as {kind.upper()}.",
        data={"format": kind, **given},
    )
    entries = entry_list(**form.cleaned_data).filter(pk__lt=note.pk)
    response = StreamingHttpResponse(write(entries), content_type=content_type)
    file = f"dockernet-audit-{timezone.now():%Y-%m-%d}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


def _page(request: UserRequest, form: FilterForm, status: int = 200) -> HttpResponse:
    """Show what the filters leave; filters that say nothing sensible leave nothing."""
    valid = form.is_valid()
    found = entry_list(**form.cleaned_data) if valid else entry_list().none()
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "rows": [entry_row(entry) for entry in page.object_list],
        "filtered": not valid or any(form.cleaned_data.values()),
        "query": request.GET.urlencode(),
    }
    return render(request, "audit/log.html", context, status=status)
