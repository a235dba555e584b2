"""The check of a request: on the page of the form, and alone while somebody types."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from hosts.models import Host
from hosts.selectors import host_get
from netops.engine.desired import kind_entry
from netops.forms import form_class
from netops.forms_base import ChangeForm
from netops.request_check import Check, check_of
from people.errors import NotFound
from people.form_errors import worded
from people.requests import UserRequest

_FIELDS = {
    "subnet": ("#id_host", "#id_subnet", "#id_gateway", "[name='accept']"),
    "nat": (
        "#id_host",
        "#id_subnet",
        "[name='mode']",
        "#id_to_source",
        "#id_out_interface",
        "#id_exclude",
        "#id_publish",
        "#id_docker_chain",
        "[name='accept']",
    ),
}


def host_named(name: object) -> Host | None:
    """Return the host of a name as it was typed, None if there is none."""
    try:
        return host_get(name=str(name or "").strip())
    except NotFound:
        return None


def check_context(form: ChangeForm, host: Host | None) -> dict[str, Any]:
    """Return what the template of the check needs, for a form as it stands, sent or not."""
    fields = _FIELDS[form.kind]
    typed = str(form["host"].value() or "").strip()
    return {
        "check": _check(form, host),
        "acceptable": kind_entry(form.kind).acceptable,
        "host_unknown": typed if typed and host is None else "",
        "check_fields": ", ".join(fields),
        "check_triggers": ", ".join(f"input from:{name} delay:350ms" for name in fields),
    }


def _check(form: ChangeForm, host: Host | None) -> Check:
    values = {name: form[name].value() for name in form.fields}
    typed = type(form)({name: "" if v is None else v for name, v in values.items()})
    if typed.is_valid():
        check = check_of(kind=form.kind, spec=typed.spec(), host=host)
        if check.invalid is None:
            return check
        problems = tuple(message for _, message in worded(typed, check.invalid))
        return evolve(check, problems=problems)
    problems = tuple(str(error) for name in typed.errors for error in typed.errors[name])
    return Check(host=host, asked=True, problems=problems)


@login_required
@require_GET
def request_check(request: UserRequest) -> HttpResponse:
    """What a request would lead to, alone. It keeps nothing and asks no host."""
    form = form_class(request.GET.get("kind", ""))(request.GET)
    host = host_named(request.GET.get("host", ""))
    return render(request, "netops/_request_check.html", check_context(form, host) | {"oob": True})
