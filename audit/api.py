"""The API's part about the audit log."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema
from pydantic import field_validator

from audit.presenters import entry_json
from audit.selectors import entry_list
from dockernet_site.api_auth import BearerToken
from dockernet_site.api_schemas import Page, PagingQuery, paged, refusals
from people.roles import Role

router = Router()


class EntryOut(Schema):
    """One act: who (`by`) did what, to what, from where (`via` and `address`), when (UTC)."""

    id: int
    at: str
    action: str
    by: str
    via: str
    address: str
    target: str
    message: str
    data: dict[str, Any]


class EntryFilter(Schema):
    """What entries are wanted; `since` and `until` are days in UTC, both included."""

    by: str = Field("", max_length=150)
    action: str = Field("", max_length=64, description="An action, or its noun: change.approved")
    target: str = Field("", max_length=128, description="Such as host:web-1 or change:12")
    q: str = Field("", max_length=200, description="Words, a name or an address")
    since: date | None = None
    until: date | None = None
    after: int | None = Field(
        None, ge=0, le=2**63 - 1, description="Entries with a higher id, oldest first"
    )

    @field_validator("by", "action", "target", "q")
    @classmethod
    def plain(cls, value: str) -> str:
        """Refuse what no database takes as text."""
        if "\x00" in value:
            raise ValueError("This must be plain text")
        return value


Wanted = Annotated[EntryFilter, Query()]


@router.get("", auth=BearerToken(Role.ADMIN), response={200: Page[EntryOut], **refusals(422)})
def index(request: HttpRequest, paging: PagingQuery, wanted: Wanted) -> Any:
    """The audit log, newest first (oldest first with `after`); entries are only ever added."""
    return paged(entry_list(**wanted.dict()), paging, entry_json)
