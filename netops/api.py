"""The API's part about changes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Router, Status

from dockernet_site.api_auth import AsyncBearerToken, BearerToken
from dockernet_site.api_schemas import Page, PagingQuery, paged, refusals, require_known
from hosts.selectors import host_get
from netops.api_comments import router as comments_router
from netops.api_schemas import ApproveIn, BreakGlassIn, ChangeIn, ChangeMade, ChangeOut, RejectIn
from netops.api_stream import After, change_exists, event_stream
from netops.engine.desired import KINDS
from netops.engine.errors import SpecInvalid
from netops.models import Change
from netops.presenters import change_json
from netops.selectors import change_full, change_full_list, change_get
from netops.services import (
    change_approve,
    change_break_glass,
    change_cancel,
    change_confirm,
    change_reject,
    change_replan,
    change_request,
    change_revert,
    change_withdraw,
    request_faults,
)
from netops.states import State
from people.errors import NotFound
from people.models import User
from people.roles import Role

router = Router()
router.add_router("", comments_router)
_SHOWN: Any = {200: ChangeOut, **refusals(404, 409, 422)}
_MADE: Any = {201: ChangeMade, **refusals(404, 409, 422)}


def _user(request: HttpRequest) -> User:
    user: User = request.auth  # type: ignore[attr-defined]
    return user


def _shown(change: Change) -> dict[str, Any]:
    return change_json(change_full(pk=change.pk))


@router.post("", auth=BearerToken(Role.OPERATOR), response=_MADE)
def create(request: HttpRequest, payload: ChangeIn) -> Any:
    """Ask for a change; its host makes the plan."""
    asked = payload.dict(exclude={"host"})
    try:
        host = host_get(name=payload.host)
    except NotFound as missing:
        unknown = ("host", "unknown-host", missing.message)
        raise SpecInvalid([unknown, *request_faults(**asked)]) from missing
    change = change_request(user=_user(request), host=host, **asked)
    return Status(201, {"id": change.pk, "state": change.state})


@router.get("", auth=BearerToken(), by_alias=True, response={200: Page[ChangeOut], **refusals(422)})
def index(
    request: HttpRequest,
    paging: PagingQuery,
    host: str = "",
    state: str = "",
    kind: str = "",
    requested_by: str = "",
) -> Any:
    """All changes, newest first, narrowed by what is given: `state` and `kind` are one each."""
    require_known("state", state, State.values)
    require_known("kind", kind, KINDS)
    changes = change_full_list(host=host, state=state, kind=kind, requested_by=requested_by)
    return paged(changes, paging, change_json)


@router.get("/{int:change_id}", auth=BearerToken(), by_alias=True, response=_SHOWN)
def detail(request: HttpRequest, change_id: int) -> Any:
    """One change with plan, approvals and job."""
    return change_json(change_full(pk=change_id))


@router.post(
    "/{int:change_id}/approve", auth=BearerToken(Role.APPROVER), by_alias=True, response=_SHOWN
)
def approve(request: HttpRequest, change_id: int, payload: ApproveIn) -> Any:
    """Approve the plan with that digest; with the last approval that the policy asks for, its job
    starts at once, until then it goes on waiting. Never for one's own change."""
    change = change_get(pk=change_id)
    change_approve(
        user=_user(request),
        change=change,
        plan_digest=payload.plan_digest,
        comment=payload.comment,
    )
    return _shown(change)


@router.post(
    "/{int:change_id}/reject", auth=BearerToken(Role.APPROVER), by_alias=True, response=_SHOWN
)
def reject(request: HttpRequest, change_id: int, payload: RejectIn) -> Any:
    """Reject the plan, with a reason. Never for one's own change."""
    change = change_get(pk=change_id)
    change_reject(user=_user(request), change=change, comment=payload.comment)
    return _shown(change)


@router.post(
    "/{int:change_id}/break-glass", auth=BearerToken(Role.ADMIN), by_alias=True, response=_SHOWN
)
def break_glass(request: HttpRequest, change_id: int, payload: BreakGlassIn) -> Any:
    """In an emergency: have the plan with that digest carried out without its approvals and in
    spite of a freeze. The change says so for ever."""
    change = change_get(pk=change_id)
    change_break_glass(
        user=_user(request),
        change=change,
        plan_digest=payload.plan_digest,
        reason=payload.reason,
    )
    return _shown(change)


@router.post(
    "/{int:change_id}/withdraw", auth=BearerToken(Role.OPERATOR), by_alias=True, response=_SHOWN
)
def withdraw(request: HttpRequest, change_id: int) -> Any:
    """Take a change back before its host has the job; for who asked for it, and admins."""
    change = change_get(pk=change_id)
    change_withdraw(user=_user(request), change=change)
    return _shown(change)


@router.post(
    "/{int:change_id}/replan", auth=BearerToken(Role.OPERATOR), by_alias=True, response=_SHOWN
)
def replan(request: HttpRequest, change_id: int) -> Any:
    """Ask the host for a new plan."""
    change = change_get(pk=change_id)
    change_replan(user=_user(request), change=change)
    return _shown(change)


@router.post(
    "/{int:change_id}/cancel", auth=BearerToken(Role.OPERATOR), by_alias=True, response=_SHOWN
)
def cancel(request: HttpRequest, change_id: int) -> Any:
    """Have the job stop at its next safe point; its host goes back."""
    change_cancel(user=_user(request), change=change_get(pk=change_id))
    return _shown(change_get(pk=change_id))


@router.post(
    "/{int:change_id}/confirm", auth=BearerToken(Role.OPERATOR), by_alias=True, response=_SHOWN
)
def confirm(request: HttpRequest, change_id: int) -> Any:
    """Keep what the job did, where the change waits for a person to confirm it."""
    change_confirm(user=_user(request), change=change_get(pk=change_id))
    return _shown(change_get(pk=change_id))


@router.post("/{int:change_id}/revert", auth=BearerToken(Role.OPERATOR), response=_MADE)
def revert(request: HttpRequest, change_id: int) -> Any:
    """Ask for the former state back: a new change, with its own plan and approval."""
    change = change_revert(user=_user(request), change=change_get(pk=change_id))
    return Status(201, {"id": change.pk, "state": change.state})


_SSE = {
    "responses": {
        200: {
            "description": "id: SEQ, event: TYPE, data: {seq, at, type, step, message, ...}",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    }
}


@router.get(
    "/{int:change_id}/events",
    auth=AsyncBearerToken(),
    response=refusals(404, 422),
    openapi_extra=_SSE,
)
async def events(request: HttpRequest, change_id: int, after: After = 0) -> StreamingHttpResponse:
    """Server-Sent Events: what happened after event `after` (or Last-Event-ID), then what happens,
    until `end`."""
    await change_exists(change_id)
    last = request.headers.get("Last-Event-ID", "").strip()
    resumed = int(last) if last.isascii() and last.isdecimal() and len(last) < 10 else 0
    user: User = request.auth  # type: ignore[attr-defined]
    return event_stream(change_id, max(after, resumed), user.pk)
