"""All terms on one page, to read, to search and to print."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from people.requests import UserRequest
from teach.term import Term
from teach.terms_network import NETWORK
from teach.terms_safety import SAFETY


@login_required
@require_GET
def terms(request: UserRequest) -> HttpResponse:
    """Every term with what it means, by the alphabet of the reader's language."""
    context = {
        "network": _sorted(NETWORK),
        "safety": _sorted(SAFETY),
        "papers": sorted({term.more for term in (*NETWORK, *SAFETY)}),
    }
    return render(request, "teach/terms.html", context)


def _sorted(terms: Iterable[Term]) -> list[Term]:
    return sorted(terms, key=lambda term: str(term.word).casefold())
