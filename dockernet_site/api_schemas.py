"""Shapes that the whole API shares: input is strict, lists come in pages."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, Any, Generic, TypeVar

from django.db.models import QuerySet
from ninja import Field, Query, Schema
from pydantic import ConfigDict

from people.errors import InvalidInput

PAGE_SIZE, LARGEST_PAGE = 50, 200

T = TypeVar("T")


class Input(Schema):
    """A request's body: every field known, every type as it is in JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ErrorItem(Schema):
    """One fault: the input at fault ("" if none), a stable code, a sentence."""

    field: str
    code: str
    message: str


class Errors(Schema):
    """What every refusal looks like."""

    errors: list[ErrorItem]


class Page(Schema, Generic[T]):
    """One page of a list; `count` is the length of the whole list."""

    items: list[T]
    count: int
    page: int
    page_size: int


class Paging(Schema):
    """Which page of a list; a page past the end is empty."""

    page: int = Field(1, ge=1, le=1_000_000)
    page_size: int = Field(PAGE_SIZE, ge=1, le=LARGEST_PAGE)


def require_known(field: str, word: str, known: Collection[str]) -> None:
    """Raise InvalidInput for a word of a query that means nothing; "" stands for none."""
    if word and word not in known:
        message = f"There is no such {field}. There are: {', '.join(known)}."
        raise InvalidInput("unknown", message, field)


PagingQuery = Annotated[Paging, Query()]


def paged(rows: QuerySet[Any], paging: Paging, show: Callable[[Any], Any]) -> dict[str, Any]:
    """Return one page of a query, each row as `show` presents it."""
    start = (paging.page - 1) * paging.page_size
    return {
        "items": [show(row) for row in rows[start : start + paging.page_size]],
        "count": rows.count(),
        "page": paging.page,
        "page_size": paging.page_size,
    }


def refusals(*statuses: int) -> dict[int, type[Errors]]:
    """Return the error answers of an operation for its documentation."""
    return dict.fromkeys((401, 403, *statuses), Errors)
