"""One's own notifications: what, by which way, where to; and how the last ones went."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from hosts.selectors import environments
from netops.engine.errors import Refused
from notify.happenings import Happening
from notify.models import Choice
from notify.selectors import choices_of, deliveries_of, webhook_of
from notify.services.choices import address_save, choice_remove, choice_save, trial_send
from notify.services.webhooks import secret_renew, webhook_remove, webhook_save
from people.requests import UserRequest
from people.seal import keep_for_next_page, take_from_last_page

SHOWN = 20
_SHOWN_ONCE = "new-webhook-secret"


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def notifications(request: UserRequest) -> HttpResponse:
    """What one is told of; htmx gets the list of messages alone."""
    if request.method == "POST":
        return _save(request)
    if request.htmx:
        context = {"deliveries": deliveries_of(user=request.user, most=SHOWN)}
        return render(request, "notify/_deliveries.html", context)
    return _page(request)


def _save(request: UserRequest) -> HttpResponse:
    environment = request.POST.get("environment", "")
    try:
        choice_save(
            user=request.user,
            environment=environment,
            mail=request.POST.getlist("mail"),
            webhook=request.POST.getlist("webhook"),
        )
    except Refused as refusal:
        return _page(request, refusal)
    messages.success(request, _("Your choice is saved."))
    return _back(environment)


def _page(request: UserRequest, refusal: Refused | None = None) -> HttpResponse:
    """Show the page; with a refusal, what was typed stays."""
    user, choices = request.user, choices_of(user=request.user)
    environment = request.GET.get("environment", "") or request.POST.get("environment", "")
    names = sorted({*environments(), *filter(None, choices)})
    environment = environment if environment in names else ""
    general = choices.get("", Choice())
    shown = choices.get(environment, general)
    context: dict[str, Any] = {
        "environment": environment,
        "environments": [(name, name in choices) for name in names],
        "follows": bool(environment) and environment not in choices,
        "rows": [(h, h.value in shown.mail, h.value in shown.webhook) for h in Happening],
        "mail_server": settings.DOCKERNET_MAIL,
        "email": request.POST.get("email", user.email),
        "webhook": webhook_of(user=user),
        "url": request.POST.get("url", ""),
        "private": settings.DOCKERNET_WEBHOOK_PRIVATE,
        "new_secret": take_from_last_page(request.session, _SHOWN_ONCE),
        "deliveries": deliveries_of(user=user, most=SHOWN),
        "refusal": refusal,
    }
    status = 422 if refusal else 200
    return render(request, "notify/notifications.html", context, status=status)


def _back(environment: str = "") -> HttpResponse:
    query = f"?{urlencode({'environment': environment})}" if environment else ""
    return redirect(f"{reverse('notify:page')}{query}")


def _try(request: UserRequest, act: Callable[[], object], done: str) -> HttpResponse:
    """Do one thing, say that it is done and go back; a refusal is told and loses no input."""
    try:
        act()
    except Refused as refusal:
        return _page(request, refusal)
    messages.success(request, done)
    return _back()


@login_required
@require_POST
def address(request: UserRequest) -> HttpResponse:
    """Set where one's e-mail goes."""
    email = request.POST.get("email", "")
    done = _("Your address is saved.")
    return _try(request, lambda: address_save(user=request.user, email=email), done)


@login_required
@require_POST
def same(request: UserRequest) -> HttpResponse:
    """Have an environment follow the choice for all again."""
    environment = request.POST.get("environment", "")
    choice_remove(user=request.user, environment=environment)
    return _back(environment)


@login_required
@require_POST
def test(request: UserRequest) -> HttpResponse:
    """Send a test to oneself."""
    channel = request.POST.get("channel", "")
    done = _("A test is on its way; the list below says how it went.")
    return _try(request, lambda: trial_send(user=request.user, channel=channel), done)


@login_required
@require_POST
def webhook(request: UserRequest) -> HttpResponse:
    """Set where messages are posted; the next page shows the secret."""
    url = request.POST.get("url", "").strip()

    def act() -> None:
        secret = webhook_save(user=request.user, url=url)
        keep_for_next_page(request.session, _SHOWN_ONCE, secret)

    return _try(request, act, _("The webhook is set."))


@login_required
@require_POST
def webhook_renew(request: UserRequest) -> HttpResponse:
    """Give the webhook a new secret; the next page shows it."""

    def act() -> None:
        keep_for_next_page(request.session, _SHOWN_ONCE, secret_renew(user=request.user))

    return _try(request, act, _("The webhook has a new secret; the old one signs nothing more."))


@login_required
@require_POST
def webhook_off(request: UserRequest) -> HttpResponse:
    """Remove the webhook."""
    webhook_remove(user=request.user)
    messages.success(request, _("The webhook is removed; nothing is posted any more."))
    return _back()
