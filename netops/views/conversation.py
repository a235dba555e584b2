"""What people say about a change: the part of its page that grows, and saying something."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from netops.engine.errors import Refused
from netops.models import Change
from netops.selectors import change_approvals, change_get, events_after
from netops.selectors_review import change_comments
from netops.services import change_comment
from netops.timeline import Moment, timeline_of
from people.requests import UserRequest
from people.views_refusals import shown_if_missing, status_of


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@shown_if_missing
def conversation(request: UserRequest, pk: int) -> HttpResponse:
    """The conversation of a change as a part of its page, or alone where there is no JavaScript;
    htmx gets nothing while there is no more of it than `known`."""
    change = change_get(pk=pk)
    if request.method == "POST":
        return _say(request, change)
    moments = moments_of(change)
    if request.htmx and request.GET.get("known") == str(len(moments)):
        return HttpResponse(status=204)
    return _shown(request, change, moments, part="list" if request.htmx else "page")


def moments_of(change: Change) -> list[Moment]:
    """Read the timeline of a change: three queries."""
    return timeline_of(
        events=events_after(change_id=change.pk),
        approvals=change_approvals(change=change),
        comments=change_comments(change=change),
    )


def _say(request: UserRequest, change: Change) -> HttpResponse:
    text, refusal = request.POST.get("text", ""), None
    try:
        said = change_comment(user=request.user, change=change, text=text)
    except Refused as error:
        refusal = error
    else:
        if not request.htmx:
            place = reverse("netops:change", args=[change.pk])
            return redirect(f"{place}#comment-{said.pk}")
        text = ""
    part = "card" if request.htmx else "page"
    return _shown(request, change, moments_of(change), part=part, text=text, refusal=refusal)


def _shown(
    request: UserRequest,
    change: Change,
    moments: list[Moment],
    *,
    part: str,
    text: str = "",
    refusal: Refused | None = None,
) -> HttpResponse:
    names = {
        "list": "netops/_timeline.html",
        "card": "netops/_conversation.html",
        "page": "netops/conversation.html",
    }
    context = {"change": change, "moments": moments, "said": text, "say_refusal": refusal}
    # htmx puts nothing in its place that came with an error.
    status = 200 if request.htmx else status_of(refusal)
    return render(request, names[part], context, status=status)
