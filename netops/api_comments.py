"""The API's part about what people say about a change."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from dockernet_site.api_auth import BearerToken
from dockernet_site.api_schemas import Page, PagingQuery, paged, refusals
from netops.api_schemas import CommentIn, CommentOut
from netops.presenters import comment_json
from netops.selectors import change_get
from netops.selectors_review import change_comments
from netops.services import change_comment

router = Router()
_MADE: Any = {201: CommentOut, **refusals(404, 409, 422)}


@router.get(
    "/{int:change_id}/comments",
    auth=BearerToken(),
    response={200: Page[CommentOut], **refusals(404, 422)},
)
def comments(request: HttpRequest, change_id: int, paging: PagingQuery) -> Any:
    """What people said about a change, oldest first."""
    return paged(change_comments(change=change_get(pk=change_id)), paging, comment_json)


@router.post("/{int:change_id}/comments", auth=BearerToken(), response=_MADE)
def comment(request: HttpRequest, change_id: int, payload: CommentIn) -> Any:
    """Say something about a change. It decides nothing, and cannot be taken back."""
    user = request.auth  # type: ignore[attr-defined]
    said = change_comment(user=user, change=change_get(pk=change_id), text=payload.text)
    return Status(201, comment_json(said))
