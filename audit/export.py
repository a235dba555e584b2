"""The audit log as a file, in pieces: a log of years must not have to fit into memory.

`csv_lines` and `chunks` serve other exports too (netops/export.py)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db.models import Model, QuerySet

from audit.models import Entry
from audit.presenters import entry_json

M = TypeVar("M", bound=Model)

CHUNK = 500
COLUMNS = ("id", "at", "action", "by", "via", "address", "target", "message", "data")
# A spreadsheet takes a cell that begins so for a formula, also in the wide forms of these signs.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(value: object) -> str:
    """Return a value as the text of a CSV cell that no spreadsheet runs as a formula.

    A quote before it makes it text (OWASP, CSV injection); signs after spaces count too.
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as lines of a CSV file (RFC 4180)."""
    out = io.StringIO()
    # All in quotes: a program that takes ";" for the separator must not find a cell within a cell.
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([cell(v) for v in row] for row in rows)
    return out.getvalue()


def _read(rows: QuerySet[M]) -> list[M]:
    return list(rows)


async def chunks(rows: QuerySet[M]) -> AsyncIterator[list[M]]:
    """Yield rows, oldest first, a chunk at a time; no transaction is open in between."""
    last = 0
    while True:
        some = rows.filter(pk__gt=last).order_by("pk")[:CHUNK]
        chunk = await sync_to_async(_read)(some)
        if chunk:
            yield chunk
            last = chunk[-1].pk
        if len(chunk) < CHUNK:
            return


async def csv_export(entries: QuerySet[Entry]) -> AsyncIterator[str]:
    """Yield the lines of a CSV file (RFC 4180) with a first line of column names."""
    yield csv_lines([COLUMNS])
    async for chunk in chunks(entries):
        yield csv_lines(entry_json(entry).values() for entry in chunk)


async def json_export(entries: QuerySet[Entry]) -> AsyncIterator[str]:
    """Yield a JSON document: a list with one object on each line."""
    yield "["
    mark = "\n"
    async for chunk in chunks(entries):
        for entry in chunk:
            yield mark + json.dumps(entry_json(entry), ensure_ascii=False)
            mark = ",\n"
    yield "\n]\n"
