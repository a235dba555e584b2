"""The list of all changes."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from netops.kinds import KIND_WORDS
from netops.selectors import change_list
from netops.states import State
from people.requests import UserRequest

PAGE_SIZE = 50
_FILTERS = ("host", "state", "kind", "requester")


@login_required
@require_GET
def changes(request: UserRequest) -> HttpResponse:
    """All changes, newest first, narrowed by what stands in the URL; htmx gets the rows alone."""
    filters = {name: request.GET.get(name, "").strip() for name in _FILTERS}
    found = change_list(
        host=filters["host"],
        state=filters["state"],
        kind=filters["kind"],
        requested_by=filters["requester"],
    )
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "filters": filters,
        "filtered": any(filters.values()),
        "states": State.choices,
        "kinds": [(kind, words.title) for kind, words in KIND_WORDS.items()],
    }
    template = "netops/_changes_rows.html" if request.htmx else "netops/changes.html"
    return render(request, template, context)
