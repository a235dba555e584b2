"""Everybody's API tokens, for admins."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from people.requests import UserRequest
from people.selectors import token_list_all

PAGE_SIZE = 50
STATES = (
    ("valid", "Valid"),
    ("soon", _("Expires within two weeks")),
    ("expired", _("Expired")),
    ("endless", _("Never expires")),
    ("unused", _("Never used")),
)


@login_required
@require_GET
def everybodys(request: UserRequest) -> HttpResponse:
    """All tokens, newest first, narrowed by what stands in the URL; an admin revokes any."""
    if not request.user.is_site_admin:
        raise PermissionDenied("Only an admin sees the tokens of others.")
    filters = {name: request.GET.get(name, "").strip() for name in ("q", "state")}
    page = Paginator(token_list_all(**filters), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "filters": filters,
        "filtered": any(filters.values()),
        "states": STATES,
        "back": request.get_full_path(),
    }
    return render(request, "people/tokens_all.html", context)
