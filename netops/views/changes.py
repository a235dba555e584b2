"""The history: every change of every host, and its exports."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from netops.export import csv_export, json_export
from netops.forms_history import HistoryForm
from netops.models import Change
from netops.selectors import SORTS, change_history
from netops.selectors_now import with_now
from people.requests import UserRequest

PAGE_SIZE = 50
_EXPORTS = {
    "csv": (csv_export, "text/csv; charset=utf-8"),
    "json": (json_export, "application/json"),
}


@login_required
@require_GET
def changes(request: UserRequest) -> HttpResponse:
    """All changes, newest first, narrowed by what stands in the URL; htmx gets the rows alone."""
    return _page(request, HistoryForm(request.GET))


@login_required
@never_cache
@require_GET
def export(request: UserRequest, kind: str) -> HttpResponseBase:
    """The changes that the page's filters leave, as a file, oldest first."""
    form = HistoryForm(request.GET)
    if not form.is_valid():
        return _page(request, form, status=422)
    write, content_type = _EXPORTS[kind]
    found = change_history(**form.filters)
    response = StreamingHttpResponse(write(found), content_type=content_type)
    file = f"dockernet-changes-{timezone.now():%Y-%m-%d}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


def _page(request: UserRequest, form: HistoryForm, status: int = 200) -> HttpResponse:
    """Show what the filters leave; filters that say nothing sensible leave nothing."""
    valid, sort = form.is_valid(), request.GET.get("sort", "")
    found = change_history(**form.filters, sort=sort) if valid else Change.objects.none()
    page = Paginator(with_now(found), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "form": form,
        "headings": _headings(sort),
        "filtered": not valid or any(form.cleaned_data.values()),
        "narrowed": not valid or any(v for k, v in form.cleaned_data.items() if k != "q"),
        "query": request.GET.urlencode(),
    }
    htmx = request.htmx and status == 200
    template = "netops/_changes_rows.html" if htmx else "netops/changes.html"
    return render(request, template, context, status=status)


def _headings(sort: str) -> list[tuple[str, str, str]]:
    """Return label, what sorting by it is called in the URL ("": cannot), and aria-sort."""
    labels = {
        "change": _("Change"),
        "state": _("State"),
        "host": _("Host"),
        "requester": _("Requested by"),
        "when": _("Requested"),
    }
    now = sort if sort.removeprefix("-") in SORTS else "-change"
    found = []
    for name, label in labels.items():
        order = {name: "ascending", f"-{name}": "descending"}.get(now, "")
        turned = f"-{name}" if now == name else name
        found.append((label, turned if name in SORTS else "", order))
    return found
