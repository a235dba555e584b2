"""All terms on one page, to read, to search and to print."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from people.requests import UserRequest
from teach.terms_network import NETWORK
from teach.terms_safety import SAFETY


@login_required
@require_GET
def terms(request: UserRequest) -> HttpResponse:
    """Every term with what it means."""
    return render(request, "teach/terms.html", {"network": NETWORK, "safety": SAFETY})
