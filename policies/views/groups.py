"""Groups of people and their members."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from netops.engine.errors import Refused
from people.form_errors import refusal_to_form
from people.requests import UserRequest
from people.views_refusals import shown_if_missing
from policies.forms import GroupForm, MemberForm
from policies.selectors import group_get, group_list, members, user_names
from policies.services import group_create, group_remove, member_add, member_remove
from policies.services.checks import require_admin


@login_required
@require_http_methods(["GET", "POST"])
@shown_if_missing
def groups(request: UserRequest) -> HttpResponse:
    """All groups; an admin makes one."""
    if request.method == "POST":
        require_admin(request.user)
    form = GroupForm(request.POST or None)
    if form.is_valid():
        try:
            made = group_create(user=request.user, name=form.cleaned_data["name"])
        except Refused as refusal:
            refusal_to_form(form, refusal)
        else:
            return redirect("policies:group", made.pk)
    context = {"groups": group_list(), "form": form}
    return render(request, "policies/groups.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
@shown_if_missing
def group(request: UserRequest, pk: int) -> HttpResponse:
    """One group with its members; an admin puts somebody in."""
    found = group_get(pk=pk)
    if request.method == "POST":
        require_admin(request.user)
    form = MemberForm(request.POST or None)
    if form.is_valid():
        try:
            member_add(user=request.user, group=found, name=form.cleaned_data["name"])
        except Refused as refusal:
            refusal_to_form(form, refusal)
        else:
            return redirect("policies:group", pk)
    return _page(request, found, form)


def _page(request: UserRequest, group: Group, form: MemberForm) -> HttpResponse:
    context = {
        "group": group,
        "members": members(group=group),
        "form": form,
        "people": user_names() if request.user.is_site_admin else [],
    }
    return render(request, "policies/group.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
@shown_if_missing
def remove(request: UserRequest, pk: int) -> HttpResponse:
    """Ask whether a group shall go, and remove it if nothing uses it."""
    found = group_get(pk=pk)
    if request.method == "GET":
        require_admin(request.user)
        return _ask_remove(request, found)
    try:
        group_remove(user=request.user, group=found)
    except Refused as refusal:
        require_admin(request.user)
        messages.error(request, refusal.message)
        return redirect("policies:group", pk)
    messages.success(request, _("The group %(name)s is removed.") % {"name": found.name})
    return redirect("policies:groups")


def _ask_remove(request: UserRequest, group: Group) -> HttpResponse:
    number = members(group=group).count()
    inside = ngettext("%(n)d person is in it.", "%(n)d people are in it.", number) % {"n": number}
    context = {
        "question": _("Remove the group %(name)s?") % {"name": group.name},
        "lines": [
            inside,
            _("A group that a policy or a grant names cannot be removed: take it out there first."),
        ],
        "button": _("Remove the group"),
        "back": reverse("policies:group", args=[group.pk]),
    }
    return render(request, "ask_remove.html", context)


@login_required
@require_POST
@shown_if_missing
def member_out(request: UserRequest, pk: int, user_pk: int) -> HttpResponse:
    """Take somebody out of a group."""
    member_remove(user=request.user, group=group_get(pk=pk), pk=user_pk)
    return redirect("policies:group", pk)
