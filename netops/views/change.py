"""One change: its page, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from hosts.services.broker_access import BrokerAway
from netops.change_page import ChangePage, change_page
from netops.engine.errors import Refused
from netops.models import Change
from netops.selectors import change_approvals, change_get, change_job, events_after
from netops.selectors_review import (
    change_comments,
    earlier_outages,
    made_again,
    plan_versions,
    undone_by,
)
from netops.services import (
    change_accept,
    change_approve,
    change_cancel,
    change_confirm,
    change_reject,
    change_replan,
    change_revert,
    change_withdraw,
)
from netops.states import State
from people.requests import UserRequest
from people.views_refusals import shown_if_missing, status_of
from policies.standing import standing_of


@login_required
@never_cache
@require_GET
@shown_if_missing
def change(request: UserRequest, pk: int) -> HttpResponse:
    """Plan, review, live job and record in one; htmx gets the part that changes, and only if it
    is news to a page that says which event it knows."""
    found = change_get(pk=pk)
    if request.htmx and request.GET.get("known") == str(found.last_seq):
        return HttpResponse(status=204)
    return _shown(request, found)


def _shown(
    request: UserRequest,
    change: Change,
    refusal: Refused | BrokerAway | None = None,
    comment: str = "",
) -> HttpResponse:
    context = {"page": gathered(request, change), "refusal": refusal, "comment": comment}
    if request.htmx:
        # htmx puts nothing in its place that came with an error.
        response = render(request, "netops/_change_part.html", context)
        if request.method == "POST":
            # What was done may have been what waited for its reader: the count looks again.
            response["HX-Trigger"] = "work"
        return response
    return render(request, "netops/change.html", context, status=status_of(refusal))


def gathered(request: UserRequest, change: Change) -> ChangePage:
    """Read what the page needs. Events come last: none of them is older than the rest.

    Some may be newer than the change, so the page's stream goes on from `change.last_seq`, read
    with the state: a move that came between the two reads is told again, not missed.
    """
    approvals = change_approvals(change=change)
    standing = standing_of(user=request.user, change=change, approvals=approvals)
    job = change_job(change=change)
    return change_page(
        change=change,
        approvals=approvals,
        job=job,
        undone_by=undone_by(change=change) if change.state == State.SUCCEEDED else None,
        made_again=made_again(change=change) if change.at_rest else (),
        standing=standing,
        user=request.user,
        comments=change_comments(change=change),
        versions=plan_versions(change=change),
        outages=earlier_outages(change=change, job=job),
        events=events_after(change_id=change.pk, after=0),
    )


def _act(
    request: UserRequest, pk: int, service: Callable[..., object], **arguments: Any
) -> HttpResponse:
    """Do one thing with a change and show it again; a refusal is told and loses no input."""
    change = change_get(pk=pk)
    refusal = None
    try:
        service(user=request.user, change=change, **arguments)
    except (Refused, BrokerAway) as error:
        refusal = error
    if request.htmx or refusal:
        return _shown(request, change_get(pk=pk), refusal, arguments.get("comment", ""))
    return redirect("netops:change", pk)


@login_required
@require_POST
@shown_if_missing
def approve(request: UserRequest, pk: int) -> HttpResponse:
    """Approve the very plan that was on the page."""
    digest, comment = request.POST.get("plan_digest", ""), request.POST.get("comment", "").strip()
    return _act(request, pk, change_approve, plan_digest=digest, comment=comment)


@login_required
@require_POST
@shown_if_missing
def reject(request: UserRequest, pk: int) -> HttpResponse:
    """Reject the plan, with a reason."""
    return _act(request, pk, change_reject, comment=request.POST.get("comment", "").strip())


@login_required
@require_POST
@shown_if_missing
def withdraw(request: UserRequest, pk: int) -> HttpResponse:
    """Take the request back."""
    return _act(request, pk, change_withdraw)


@login_required
@require_POST
@shown_if_missing
def cancel(request: UserRequest, pk: int) -> HttpResponse:
    """Have the job stop at the next safe point and go back."""
    return _act(request, pk, change_cancel)


@login_required
@require_POST
@shown_if_missing
def confirm(request: UserRequest, pk: int) -> HttpResponse:
    """Keep what the job did."""
    return _act(request, pk, change_confirm)


@login_required
@require_POST
@shown_if_missing
def replan(request: UserRequest, pk: int) -> HttpResponse:
    """Ask the host for a new plan."""
    return _act(request, pk, change_replan)


@login_required
@require_POST
@shown_if_missing
def revert(request: UserRequest, pk: int) -> HttpResponse:
    """Ask for the former state back: a new change, with its own plan and approval."""
    former = change_get(pk=pk)
    try:
        back = change_revert(user=request.user, change=former)
    except (Refused, BrokerAway) as refusal:
        return _shown(request, former, refusal)
    said = _("This change undoes #%(number)s. It needs its own approval.")
    messages.success(request, said % {"number": former.pk})
    return _go(request, back)


@login_required
@require_POST
@shown_if_missing
def accept(request: UserRequest, pk: int) -> HttpResponse:
    """Request the same again with risks accepted: a new change in the place of the blocked one."""
    former = change_get(pk=pk)
    try:
        accepted = request.POST.getlist("accept")
        again = change_accept(user=request.user, change=former, codes=accepted)
    except (Refused, BrokerAway) as refusal:
        return _shown(request, former, refusal)
    listed = ", ".join(request.POST.getlist("accept"))
    said = _("In place of #%(number)s, with the risk accepted: %(listed)s.")
    messages.success(request, said % {"number": former.pk, "listed": listed})
    return _go(request, again)


def _go(request: UserRequest, change: Change) -> HttpResponse:
    target = redirect("netops:change", change.pk)
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": target.url})
    return target
