"""In an emergency: a page that asks twice before a plan is carried out without approvals."""

from __future__ import annotations

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from netops.engine.errors import Refused
from netops.kinds import sentence_of
from netops.models import Change
from netops.selectors import change_get
from netops.services import change_break_glass
from netops.services.break_glass import REASON_LENGTH, require_breaker
from netops.states import State
from people.form_errors import refusal_to_form
from people.requests import UserRequest
from people.views_refusals import shown_if_missing, status_of
from policies.review import review_of
from policies.selectors import frozen_now


class BreakGlassForm(forms.Form):
    """The reason, and the host's name as the second confirmation."""

    plan_digest = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("What is the emergency?"),
        max_length=REASON_LENGTH,
        widget=forms.Textarea({"class": "form-control", "rows": 3}),
    )
    host = forms.CharField(
        label=_("Type the host's name to confirm"),
        max_length=63,
        widget=forms.TextInput(
            {"class": "form-control mono", "autocomplete": "off", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: object, wanted: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._wanted = wanted

    def clean_host(self) -> str:
        """The name must be the host's own."""
        typed = str(self.cleaned_data["host"]).strip()
        if typed != self._wanted:
            raise forms.ValidationError(
                _("This is not the name; the host is %(name)s.") % {"name": self._wanted}
            )
        return typed


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
@shown_if_missing
def break_glass(request: UserRequest, pk: int) -> HttpResponse:
    """Ask for the reason and the host's name; then the job goes to the host."""
    require_breaker(request.user)
    change = change_get(pk=pk)
    if request.method == "GET" and change.state != State.AWAITING_APPROVAL:
        return redirect("netops:change", pk)
    initial = {"plan_digest": change.plan_digest}
    form = BreakGlassForm(request.POST or None, wanted=change.host.name, initial=initial)
    if not form.is_valid():
        return _page(request, change, form, 422 if form.errors else 200)
    digest, reason = form.cleaned_data["plan_digest"], form.cleaned_data["reason"]
    try:
        change_break_glass(user=request.user, change=change, plan_digest=digest, reason=reason)
    except Refused as refusal:
        refusal_to_form(form, refusal)
        return _page(request, change, form, status_of(refusal))
    return redirect("netops:change", pk)


def _page(request: UserRequest, change: Change, form: BreakGlassForm, status: int) -> HttpResponse:
    review = review_of(change=change)
    context = {
        "change": change,
        "sentence": sentence_of(change),
        "form": form,
        "given": review.given,
        "needed": review.needed,
        "frozen": frozen_now(host=change.host),
        "own": change.requested_by_id == request.user.pk,
    }
    return render(request, "netops/break_glass.html", context, status=status)
