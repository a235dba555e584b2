"""The request of somebody who is logged in, as a type."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from people.models import User


class UserRequest(HttpRequest):
    """What a view behind `login_required` gets. For annotations only: never made as such."""

    user: User
    htmx: HtmxDetails
