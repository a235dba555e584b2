"""Asking for a change."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from hosts.models import Host
from hosts.selectors import host_names
from netops.engine.desired import parse_spec
from netops.engine.errors import Refused
from netops.forms import FORMS, form_class
from netops.forms_base import ChangeForm
from netops.forms_nat import NatForm, initial_from
from netops.forms_subnet import SubnetForm
from netops.free_ranges import Proposal, proposal_for
from netops.models import Change
from netops.nat_choices import choices_of, examples_for, setting_of
from netops.selectors import change_get
from netops.selectors_request import confirm_habits
from netops.services import change_request
from netops.views.request_check import check_context, host_named
from people.form_errors import refusal_to_form
from people.requests import UserRequest
from people.views_refusals import shown_if_missing

# Buttons that help to fill in the form, for readers without scripts; they send nothing.
_HELP = frozenset({"propose", "look", "check", "use"})


@login_required
@require_http_methods(["GET", "POST"])
@shown_if_missing
def change_new(request: UserRequest) -> HttpResponse:
    """The form, filled from the URL (`kind` and `host` with fields of the kind, or `from`: an
    earlier change), and its answer."""
    if not request.user.can_request():
        raise PermissionDenied(_("Your role does not ask for changes."))
    if request.method == "GET":
        form = _first_form(request)
        return _page(request, form, host_named(form["host"].value()))
    kind = form_class(request.POST.get("kind", ""))
    host = host_named(request.POST.get("host", ""))
    if not _HELP.isdisjoint(request.POST):
        return _page(request, kind(initial=_typed(kind, request.POST, host)), host)
    form = kind(request.POST)
    if form.is_valid():
        change = _send(request, form, host)
        if change is not None:
            return redirect("netops:change", change.pk)
    return _page(request, form, host, status=422)


def _earlier(number: str) -> Change | None:
    """Return the change that a request is made from, None without; raises NotFound."""
    known = number.isascii() and number.isdecimal() and len(number) < 10
    return change_get(pk=int(number)) if known else None


def _first_form(request: UserRequest) -> ChangeForm:
    change = _earlier(request.GET.get("from", ""))
    if change is not None:
        kind = form_class(change.kind)
        initial: dict[str, Any] = kind.initial_of(change.spec)
        asked = {name: getattr(change, name) for name in ("reason", "confirm", "confirm_window_s")}
        # `host=` beside it, even empty: the same on another host.
        asked["host"] = request.GET.get("host", change.host.name).strip()
        return kind(initial={**initial, **asked})
    kind = form_class(request.GET.get("kind", ""))
    initial = {"host": request.GET.get("host", ""), "reason": request.GET.get("reason", "")}
    host = host_named(initial["host"])
    habits = confirm_habits(host=host) if host else {}
    if kind is NatForm:
        return kind(initial=initial | habits | _named(request.GET, host))
    named = {name: request.GET[name] for name in ("subnet", "gateway") if request.GET.get(name)}
    return kind(initial=initial | habits | named)


def _named(query: QueryDict, host: Host | None) -> dict[str, Any]:
    """What the URL says of a NAT setting; with the subnet alone, or nothing (then docker0's), what
    that subnet has now."""
    named = initial_from({name: query.get(name, "") for name in query})
    if not named and host is not None and host.subnet:
        named = {"subnet": host.subnet}
    setting = (
        setting_of(host.observation, named["subnet"]) if host and set(named) == {"subnet"} else None
    )
    return NatForm.initial_of(setting.spec) if setting else named


def _send(request: UserRequest, form: ChangeForm, host: Host | None) -> Change | None:
    """Hand the request to the service; None when the form now says what is wrong."""
    try:
        if host is None:
            name = form.cleaned_data.get("host", "")
            unknown = _("There is no host “%(name)s”.") % {"name": name}
            form.add_error("host", unknown if name else _("Which host?"))
            parse_spec(form.kind, form.spec())
            return None
        return change_request(
            user=request.user,
            host=host,
            kind=form.kind,
            spec=form.spec(),
            reason=form.cleaned_data["reason"],
            made_from=_earlier(request.POST.get("from", "")),
            **form.confirm_fields(),
        )
    except Refused as refusal:
        refusal_to_form(form, refusal)
        return None


def _typed(kind: type[ChangeForm], data: QueryDict, host: Host | None) -> dict[str, Any]:
    """What was typed so far, to go on with; without scripts, with a free range filled in."""
    typed: dict[str, Any] = {name: data.get(name, "") for name in kind.base_fields}
    if "use" in data:
        typed["subnet"] = data["use"]
    typed["accept"] = data.getlist("accept")
    if kind is SubnetForm:
        proposal = _proposal(host, data.get("containers", ""))
        if isinstance(proposal, Proposal) and proposal.subnet:
            typed["subnet"] = str(proposal.subnet)
    return typed


def _page(
    request: UserRequest, form: ChangeForm, host: Host | None, status: int = 200
) -> HttpResponse:
    query = {"host": host.name} if host else {}
    context: dict[str, Any] = {
        "form": form,
        "host": host,
        "host_names": host_names(),
        "made_from": request.POST.get("from", request.GET.get("from", "")),
        "kinds": [(k, f.short, urlencode({"kind": k, **query})) for k, f in FORMS.items()],
    }
    context |= check_context(form, host)
    if isinstance(form, NatForm):
        context |= _of_nat(host, form["subnet"].value())
        form.fields["publish"].widget.attrs["placeholder"] = "tcp 8080 web:80"
        form.fields["to_source"].widget.attrs["placeholder"] = context["example_on"]
    else:
        context["proposal"] = _proposal(host, form["containers"].value())
    return render(request, "netops/request.html", context, status=status)


def _of_nat(host: Host | None, subnet: object) -> dict[str, object]:
    """What the host has for a NAT request: choices, and the setting that is replaced."""
    observed = host.observation if host else None
    choices = choices_of(observed)
    return {
        "host": host,
        "observed": observed,
        "choices": choices,
        **examples_for(choices, subnet),
        "setting": setting_of(observed, subnet),
    }


@login_required
@require_GET
def nat_part(request: UserRequest) -> HttpResponse:
    """What a host has for a NAT request, alone: for when another host or subnet is typed."""
    host = host_named(request.GET.get("host", ""))
    context = _of_nat(host, request.GET.get("subnet", "")) | {"oob": True}
    return render(request, "netops/_nat_part.html", context)


@login_required
@require_GET
def size(request: UserRequest) -> HttpResponse:
    """The size helper alone: a prefix and a free range for so many containers."""
    host = host_named(request.GET.get("host", ""))
    context = {"proposal": _proposal(host, request.GET.get("containers", "")), "host": host}
    return render(request, "netops/_size_part.html", context)


def _proposal(host: Host | None, containers: object) -> Proposal | str | None:
    """Return a proposal, a sentence why there is none, or None when nothing was asked."""
    text = str(containers or "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        return _("Write the number of containers in digits.")
    number = int(text)
    if number < 1:
        return _("At least one container.")
    try:
        return proposal_for(host=host, containers=number)
    except ValueError:
        return _("No private range holds %(n)d containers.") % {"n": number}
