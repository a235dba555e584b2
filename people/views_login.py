"""allauth's views, as far as Dockernet has them, and what is ours around them."""

from __future__ import annotations

import logging
from urllib.parse import urlencode

from allauth.account.views import LoginView, PasswordChangeView
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.socialaccount.providers.openid_connect.views import callback as oidc_callback
from allauth.socialaccount.providers.openid_connect.views import login as oidc_login
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST
from requests import RequestException

from dockernet_site.env_oidc import PROVIDER_ID
from people.login_notes import throttled_note
from people.selectors import anybody
from people.services import tokens_end

log = logging.getLogger(__name__)


class Login(LoginView):  # type: ignore[misc]
    """Name and password, or the way to the OpenID Connect provider."""

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        """Add the provider of the settings, if there is one, and whether there is a user at all."""
        context: dict[str, object] = super().get_context_data(**kwargs)
        context["nobody"] = not anybody()
        for app in settings.SOCIALACCOUNT_PROVIDERS.get("openid_connect", {}).get("APPS", []):
            context["oidc"] = {"id": PROVIDER_ID, "name": app["name"]}
        return context


class PasswordChange(PasswordChangeView):  # type: ignore[misc]
    """One's own password, for those who have one."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """Raises PermissionDenied for somebody who has no password here."""
        if request.user.is_authenticated and not request.user.has_usable_password():
            raise PermissionDenied("You have no password here: you log in elsewhere.")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def form_valid(self, form: BaseForm) -> HttpResponse:
        """Change it; one's API tokens end with the old one."""
        with transaction.atomic():
            tokens_end(user=self.request.user)
            response: HttpResponse = super().form_valid(form)
        return response


class AppAdd(ActivateTOTPView):  # type: ignore[misc]
    """An authenticator app, set up."""

    def form_valid(self, form: BaseForm) -> HttpResponse:
        """Set it up; API tokens that the password alone could make end."""
        with transaction.atomic():
            tokens_end(user=self.request.user)
            response: HttpResponse = super().form_valid(form)
        return response


@require_POST
def oidc_begin(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Send the browser to the provider.

    By a page, not by a redirect: form-action of our Content-Security-Policy forbids a form to end
    up at another site, and a provider may itself send people on.
    """
    _keep_only_next(request)
    try:
        response: HttpResponseBase = oidc_login(request, provider_id)
    except RequestException as error:
        return _provider_away(request, error)
    if response.status_code != 302:
        return response
    return render(request, "people/oidc_begin.html", {"address": response.headers["Location"]})


def _keep_only_next(request: HttpRequest) -> None:
    """Drop what allauth would read from the address: what to do (`process`), scopes, parameters."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    kept = QueryDict(urlencode({"next": wanted}))
    request.GET = request.POST = kept


@require_GET
def oidc_end(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Take whom the provider sends back; allauth asks it for the rest, and it may be away now."""
    try:
        response: HttpResponseBase = oidc_callback(request, provider_id)
    except RequestException as error:
        return _provider_away(request, error)
    return response


def _provider_away(request: HttpRequest, error: RequestException) -> HttpResponse:
    log.warning("the OpenID Connect provider does not answer: %s", error)
    return render(request, "socialaccount/authentication_error.html", status=503)


def too_many(request: HttpRequest, exception: object = None) -> HttpResponse:
    """Say that there were too many tries (429)."""
    throttled_note()
    return render(request, "429.html", status=429)
