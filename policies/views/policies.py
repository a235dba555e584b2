"""Policies: their list, and one with its grants."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from hosts.selectors import environments
from netops.engine.errors import Refused
from people.errors import NotFound
from people.form_errors import refusal_to_form
from people.requests import UserRequest
from people.views_refusals import shown_if_missing
from policies.forms import GrantForm, NewPolicyForm, PolicyForm
from policies.models import EnvironmentPolicy
from policies.selectors import (
    group_list,
    policy_for,
    policy_get,
    policy_list,
    user_names,
)
from policies.services import grant_add, grant_remove, policy_remove, policy_save
from policies.services.checks import require_admin


@login_required
@require_GET
def policies(request: UserRequest) -> HttpResponse:
    """All policies, and the environments that the default one is for."""
    rows = list(policy_list())
    own = {row.environment for row in rows}
    default = next((row for row in rows if not row.environment), EnvironmentPolicy())
    context = {
        "default": default,
        "policies": [row for row in rows if row.environment],
        "others": [name for name in environments() if name not in own],
        "usual_s": settings.APPROVAL_EXPIRES_S,
    }
    return render(request, "policies/policies.html", context)


@login_required
@require_http_methods(["GET", "POST"])
@shown_if_missing
def new(request: UserRequest) -> HttpResponse:
    """A policy for an environment; filled with what holds for it now."""
    require_admin(request.user)
    environment = request.GET.get("environment", "").strip()
    holds = PolicyForm.initial_of(policy_for(environment=environment.replace("\x00", "")))
    form = NewPolicyForm(request.POST or None, initial={**holds, "environment": environment})
    if form.is_valid():
        saved = _save(request, form, form.values())
        if saved is not None:
            return redirect("policies:edit", saved.pk)
    return _page(request, form, None)


@login_required
@require_http_methods(["GET", "POST"])
@shown_if_missing
def default(request: UserRequest) -> HttpResponse:
    """The default policy, which may not be stored yet."""
    stored = EnvironmentPolicy.objects.filter(environment="").first()
    if stored is not None:
        return edit(request, stored.pk)
    require_admin(request.user)
    initial = PolicyForm.initial_of(EnvironmentPolicy())
    form = PolicyForm(request.POST or None, initial=initial)
    if form.is_valid():
        saved = _save(request, form, {"environment": "", **form.values()})
        if saved is not None:
            return redirect("policies:edit", saved.pk)
    return _page(request, form, None)


@login_required
@require_http_methods(["GET", "POST"])
@shown_if_missing
def edit(request: UserRequest, pk: int) -> HttpResponse:
    """One policy with its grants; an admin edits it."""
    policy = policy_get(pk=pk)
    if request.method == "POST":
        require_admin(request.user)
    form = PolicyForm(request.POST or None, initial=PolicyForm.initial_of(policy))
    if form.is_valid():
        values = {"environment": policy.environment, **form.values()}
        if _save(request, form, values) is not None:
            return redirect("policies:edit", pk)
    return _page(request, form, policy)


def _save(
    request: UserRequest, form: PolicyForm, values: dict[str, object]
) -> EnvironmentPolicy | None:
    try:
        saved = policy_save(user=request.user, **values)  # type: ignore[arg-type]
    except Refused as refusal:
        if refusal.field == "approval_expires_s":
            form.add_error("hours", _("A plan waits for a minute to a year: 0.02 to 8760 hours."))
        else:
            refusal_to_form(form, refusal)
        return None
    messages.success(request, _("Saved. It holds at once, also for plans that wait."))
    return saved


def _page(
    request: UserRequest,
    form: PolicyForm,
    policy: EnvironmentPolicy | None,
    grant_form: GrantForm | None = None,
) -> HttpResponse:
    usual = f"{settings.APPROVAL_EXPIRES_S / 3600:g}"
    form.fields["hours"].help_text = _("Empty: %(hours)s hours, as the site's settings say.") % {
        "hours": usual
    }
    context = {
        "form": form,
        "policy": policy,
        "grants": list(policy.grants.all()) if policy else [],
        "grant_form": grant_form or GrantForm(),
        "groups": list(group_list().values_list("name", flat=True)),
        "people": user_names() if request.user.is_site_admin else [],
        "environments": environments(),
        "usual_s": settings.APPROVAL_EXPIRES_S,
    }
    bad = bool(form.errors or (grant_form and grant_form.errors))
    return render(request, "policies/policy.html", context, status=422 if bad else 200)


@login_required
@require_http_methods(["GET", "POST"])
@shown_if_missing
def remove(request: UserRequest, pk: int) -> HttpResponse:
    """Ask whether a policy shall go, and remove it; the default one then holds."""
    require_admin(request.user)
    if request.method == "GET":
        return _ask_remove(request, policy_get(pk=pk))
    if policy_remove(user=request.user, pk=pk):
        messages.success(request, _("The policy is removed; the default one holds now."))
    return redirect("policies:list")


def _ask_remove(request: UserRequest, policy: EnvironmentPolicy) -> HttpResponse:
    if policy.environment:
        question = _("Remove the policy of %(name)s?") % {"name": policy.environment}
        then = _("The default policy then holds for its hosts, at once, also for plans that wait.")
    else:
        question = _("Remove the default policy?")
        then = _(
            "One approval, by role, is then enough wherever an environment has no policy of its "
            "own: at once, also for plans that wait."
        )
    granted = policy.grants.count()
    gone = ngettext("Its %(n)d grant goes with it.", "Its %(n)d grants go with it.", granted) % {
        "n": granted
    }
    context = {
        "question": question,
        "lines": [then, *([gone] if granted else [])],
        "button": _("Remove the policy"),
        "back": reverse("policies:edit", args=[policy.pk]),
    }
    return render(request, "ask_remove.html", context)


@login_required
@require_POST
@shown_if_missing
def grant(request: UserRequest, pk: int) -> HttpResponse:
    """Grant something to a person or a group."""
    policy, form = policy_get(pk=pk), GrantForm(request.POST)
    require_admin(request.user)
    if form.is_valid():
        try:
            grant_add(user=request.user, policy=policy, **form.cleaned_data)
        except Refused as refusal:
            refusal_to_form(form, refusal)
        else:
            return redirect("policies:edit", pk)
    return _page(request, PolicyForm(initial=PolicyForm.initial_of(policy)), policy, form)


@login_required
@require_POST
@shown_if_missing
def ungrant(request: UserRequest, pk: int, grant_pk: int) -> HttpResponse:
    """Take a grant back."""
    if not grant_remove(user=request.user, policy=policy_get(pk=pk), pk=grant_pk):
        raise NotFound("not-found", "There is no such grant.")
    return redirect("policies:edit", pk)
