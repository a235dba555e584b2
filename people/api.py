"""The API's part about people."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from dockernet_site.api_auth import BearerToken
from dockernet_site.api_schemas import refusals

router = Router()


class Me(Schema):
    """Who calls."""

    name: str
    role: str


@router.get("", auth=BearerToken(), response={200: Me, **refusals()})
def me(request: HttpRequest) -> Any:
    """Who the token belongs to."""
    user = request.auth  # type: ignore[attr-defined]
    return {"name": user.username, "role": user.role}
