"""One's own API tokens."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from people.forms import TokenForm
from people.models import NEEDS_SECOND_FACTOR
from people.requests import UserRequest
from people.seal import keep_for_next_page, take_from_last_page
from people.selectors import token_list
from people.services import token_issue, token_revoke

_SHOWN_ONCE = "new-api-token"


@login_required
@never_cache
@require_GET
def tokens(request: UserRequest) -> HttpResponse:
    """One's own tokens; a token made just now is shown this once."""
    return _page(request, TokenForm(), new_token=take_from_last_page(request.session, _SHOWN_ONCE))


@login_required
@require_POST
def token_create(request: UserRequest) -> HttpResponse:
    """Make a token and show it on the next page.

    Not before the second factor that one needs: the token would outlast its absence. Nor by an open
    browser alone: it would outlast the session.
    """
    if request.user.must_add_mfa:
        raise PermissionDenied(NEEDS_SECOND_FACTOR)
    response: HttpResponse = _token_create(request)
    return response


@reauthentication_required  # type: ignore[untyped-decorator]
def _token_create(request: UserRequest) -> HttpResponse:
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    days = form.cleaned_data["days"] or None
    label = form.cleaned_data["label"]
    token = token_issue(user=request.user, label=label, days=days, from_page=True)
    keep_for_next_page(request.session, _SHOWN_ONCE, token)
    return redirect("people:tokens")


@login_required
@require_POST
def token_remove(request: UserRequest, pk: int) -> HttpResponse:
    """Revoke one of one's own tokens, at once; an admin revokes anyone's."""
    if token_revoke(user=request.user, pk=pk):
        messages.success(request, _("The token is revoked; it opens nothing any more."))
    else:
        messages.warning(request, _("There is no such token, or it was revoked already."))
    back = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        return redirect(back)
    return redirect("people:tokens")


def _page(
    request: UserRequest, form: TokenForm, *, new_token: str = "", status: int = 200
) -> HttpResponse:
    context = {"form": form, "tokens": token_list(user=request.user), "new_token": new_token}
    return render(request, "people/tokens.html", context, status=status)
