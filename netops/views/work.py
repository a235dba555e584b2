"""What waits for the reader: to approve, to confirm, to look after; and what they asked for."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from netops.selectors_work import changes_asked, changes_in_need
from people.requests import UserRequest
from policies.mine import to_approve, to_confirm

SHOWN = 20
MOST_COUNTED = 99


@login_required
@never_cache
@require_GET
def work(request: UserRequest) -> HttpResponse:
    """The page; htmx gets the part that changes alone."""
    user = request.user
    approvals, confirms = to_approve(user=user), to_confirm(user=user, most=SHOWN)
    needy = changes_in_need(most=SHOWN + 1)
    above = [change for change in [*confirms, *needy[:SHOWN]] if change.requested_by == user]
    asked = changes_asked(user=user, most=SHOWN + 1, without=[change.pk for change in above])
    context = {
        "approvals": approvals[:SHOWN],
        "approvals_more": max(0, len(approvals) - SHOWN),
        "confirms": confirms,
        "needy": needy[:SHOWN],
        "needy_more": len(needy) > SHOWN,
        "asked": asked[:SHOWN],
        "asked_more": len(asked) > SHOWN,
        "asked_above": bool(above),
    }
    template = "netops/_work_part.html" if request.htmx else "netops/work.html"
    return render(request, template, context)


@login_required
@never_cache
@require_GET
def count(request: UserRequest) -> HttpResponse:
    """How much waits for the reader, for the navigation of every page."""
    user, most = request.user, MOST_COUNTED + 1
    waits = len(to_approve(user=user, most=most)) + len(to_confirm(user=user, most=most))
    context = {"count": min(waits, MOST_COUNTED), "more": waits > MOST_COUNTED}
    return render(request, "netops/_work_count.html", context)
