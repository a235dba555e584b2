"""The API's part about reserved ranges."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from dockernet_site.api_auth import BearerToken
from dockernet_site.api_schemas import Page, PagingQuery, paged, refusals
from hosts.api_schemas import ReservedIn, ReservedOut
from hosts.models import ReservedRange
from hosts.selectors import reserved_list
from hosts.services import reserved_range_add, reserved_range_edit, reserved_range_remove
from people.errors import NotFound
from people.roles import Role

router = Router()


def _shown(row: ReservedRange) -> dict[str, Any]:
    return {"id": row.pk, "subnet": row.subnet, "label": row.label}


@router.get("", auth=BearerToken(), response={200: Page[ReservedOut], **refusals(422)})
def index(request: HttpRequest, paging: PagingQuery) -> Any:
    """Ranges that containers must not use."""
    return paged(reserved_list(), paging, _shown)


@router.post("", auth=BearerToken(Role.ADMIN), response={201: ReservedOut, **refusals(409, 422)})
def create(request: HttpRequest, payload: ReservedIn) -> Any:
    """Reserve a range; plans made from now on heed it."""
    user = request.auth  # type: ignore[attr-defined]
    row = reserved_range_add(user=user, subnet=payload.subnet, label=payload.label)
    return Status(201, _shown(row))


@router.put(
    "/{int:pk}",
    auth=BearerToken(Role.ADMIN),
    response={200: ReservedOut, **refusals(404, 409, 422)},
)
def edit(request: HttpRequest, pk: int, payload: ReservedIn) -> Any:
    """Change a range or its label; plans made from now on heed it."""
    user = request.auth  # type: ignore[attr-defined]
    row = reserved_range_edit(user=user, pk=pk, subnet=payload.subnet, label=payload.label)
    if row is None:
        raise NotFound("not-found", "There is no such range.")
    return _shown(row)


@router.delete("/{int:pk}", auth=BearerToken(Role.ADMIN), response={204: None, **refusals(404)})
def remove(request: HttpRequest, pk: int) -> Any:
    """Give a range free again."""
    if not reserved_range_remove(user=request.auth, pk=pk):  # type: ignore[attr-defined]
        raise NotFound("not-found", "There is no such range.")
    return Status(204, None)
