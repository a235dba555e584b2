"""One host: its page, its history, and what can be done with it."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from hosts.models import Host
from hosts.nat import nat_section
from hosts.nat_audit import nat_audit
from hosts.picture import picture_of, routes_of, settings_of
from hosts.problems import problems_of
from hosts.selectors import (
    enrolment_until,
    host_get,
    observation_list,
    reserved_networks,
    trouble_latest,
)
from hosts.services.broker_access import BrokerAway
from hosts.services.enrolment import enrolment_renew, site_is_loopback
from hosts.services.hosts import host_refresh, host_revoke
from hosts.services.rotation import host_rotate
from hosts.switch.layout import draw
from hosts.switch.way_out import way_out_of
from hosts.views.add import enrolment_line_name
from netops.engine.errors import Refused
from netops.engine.layers import layers_of
from netops.models import Change
from netops.selectors import change_list
from netops.selectors_now import with_now
from netops.states import AT_REST, HOLDING
from netops.words import word_now
from people.requests import UserRequest
from people.seal import keep_for_next_page, take_from_last_page
from people.views_refusals import shown_if_missing
from policies.access import request_refusal
from policies.freeze import Frozen
from policies.selectors import frozen_now

_RECENT = 6
HISTORY_PAGE = 30


@login_required
@never_cache
@require_GET
@shown_if_missing
def detail(request: UserRequest, name: str) -> HttpResponse:
    """All that is known of a host; htmx gets the living part alone, and only if it is news."""
    host = host_get(name=name)
    changes = list(with_now(change_list(host=host.name))[:_RECENT])
    frozen = frozen_now(host=host)
    line_until = enrolment_until(host=host) if host.enrolled_at is None else None
    known = _known(host, changes, frozen, line_until)
    if request.htmx and request.GET.get("known") == known:
        return HttpResponse(status=204)
    refusal = request_refusal(user=request.user, host=host)
    context = _context(host) | {
        "changes": changes,
        "open_changes": [change for change in changes if change.state not in AT_REST],
        "held": any(change.state in HOLDING for change in changes),
        "known": known,
        "line_until": line_until,
        "frozen": frozen,
        "may_request": refusal is None,
        "no_grant": refusal.message if refusal and refusal.code == "no-grant" else "",
    }
    if request.htmx:
        return render(request, "hosts/_host_part.html", context)
    line = take_from_last_page(request.session, enrolment_line_name(host))
    context["enroll_command"] = line
    context["public_url"] = settings.DOCKERNET_PUBLIC_URL
    context["site_is_loopback"] = site_is_loopback()
    return render(request, "hosts/host.html", context)


def _context(host: Host) -> dict[str, object]:
    observed = host.observation
    context: dict[str, object] = {
        "host": host,
        "observed": observed,
        "observations": observation_list(host=host)[:_RECENT],
        "trouble": trouble_latest(host=host),
    }
    if observed is not None:
        layers = layers_of(observed)
        entries = nat_audit(observed)
        picture, nat = picture_of(observed, layers), nat_section(host.name, observed, entries)
        bridges = (picture.bridge, *picture.others)
        context["picture"] = picture
        context["switches"] = [
            draw(bridge, way_out_of(observed, bridge, nat), number)
            for number, bridge in enumerate(bridges)
        ]
        context["problems"] = problems_of(
            observed, layers, entries, host.observed_at, reserved_networks()
        )
        context["nat"] = nat
        context["routes"] = routes_of(observed)
        context["settings"] = settings_of(observed)
    return context


def _known(
    host: Host, changes: list[Change], frozen: Frozen | None, line_until: datetime | None
) -> str:
    """What a reader's page knows: another text means that there is news."""
    newest = [f"{change.pk}-{change.state}-{word_now(change).label}" for change in changes]
    seen = host.observed_at.isoformat() if host.observed_at else ""
    until = frozen.until.isoformat() if frozen else ""
    line = line_until.isoformat() if line_until else ""
    rotation = "rotating" if host.next_secret else str(host.keys_at or "")
    return " ".join([host.status, seen, until, rotation, line, *newest])


@login_required
@require_GET
@shown_if_missing
def observations(request: UserRequest, name: str) -> HttpResponse:
    """What changed on a host, and when."""
    host = host_get(name=name)
    outside = request.GET.get("only") == "outside"
    rows = observation_list(host=host, outside=outside)
    page = Paginator(rows, HISTORY_PAGE).get_page(request.GET.get("page"))
    context = {"host": host, "page": page, "outside": outside}
    return render(request, "hosts/observations.html", context)


@login_required
@require_POST
@shown_if_missing
def refresh(request: UserRequest, name: str) -> HttpResponse:
    """Ask the host to look at itself; the page follows by itself."""
    host = host_get(name=name)
    try:
        host_refresh(user=request.user, host=host)
    except (Refused, BrokerAway) as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("%(host)s was asked to look again.") % {"host": host.name})
    return redirect("hosts:detail", host.name)


@login_required
@require_POST
@shown_if_missing
def renew(request: UserRequest, name: str) -> HttpResponse:
    """A new enrolment line for a host that is still pending."""
    if not request.user.is_site_admin:
        raise PermissionDenied("Only an admin enrols hosts.")
    host = host_get(name=name)
    try:
        command = enrolment_renew(user=request.user, host=host)
    except Refused as refusal:
        messages.error(request, refusal.message)
    else:
        keep_for_next_page(request.session, enrolment_line_name(host), command)
    return redirect("hosts:detail", host.name)


@login_required
@require_http_methods(["GET", "POST"])
@shown_if_missing
def revoke(request: UserRequest, name: str) -> HttpResponse:
    """Lock a host out, after one more question."""
    if not request.user.is_site_admin:
        raise PermissionDenied("Only an admin revokes hosts.")
    host = host_get(name=name)
    if request.method == "GET":
        return render(request, "hosts/revoke.html", {"host": host})
    try:
        host_revoke(user=request.user, host=host)
    except (Refused, BrokerAway) as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(
            request, _("%(host)s is revoked. Its history stays here.") % {"host": host.name}
        )
    return redirect("hosts:detail", host.name)


@login_required
@require_http_methods(["GET", "POST"])
@shown_if_missing
def rotate(request: UserRequest, name: str) -> HttpResponse:
    """Give a host new keys, after one more question."""
    if not request.user.is_site_admin:
        raise PermissionDenied("Only an admin rotates the keys of hosts.")
    host = host_get(name=name)
    if request.method == "GET":
        return render(request, "hosts/rotate.html", {"host": host})
    try:
        host_rotate(user=request.user, host=host)
    except (Refused, BrokerAway) as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("New keys are on their way to %(host)s.") % {"host": host.name})
    return redirect("hosts:detail", host.name)
