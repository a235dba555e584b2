"""An entry as the API, the exports and the page show it."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from audit.models import Entry

# Which page shows a target, by what stands before its colon.
_PAGES = {"host": "hosts:detail", "change": "netops:change"}


def entry_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as plain JSON data; `at` is ISO 8601 in UTC."""
    return {
        "id": entry.pk,
        "at": entry.at.isoformat().replace("+00:00", "Z"),
        "action": entry.action,
        "by": entry.by,
        "via": entry.via,
        "address": entry.address,
        "target": entry.target,
        "message": entry.message,
        "data": entry.data,
    }


@frozen
class EntryRow:
    """An entry, where its target has a page, and what else is known, as pairs of words."""

    entry: Entry
    url: str
    details: list[tuple[str, str]]


def entry_row(entry: Entry) -> EntryRow:
    """Return an entry for the page; nothing is asked of the database."""
    kind, _, name = entry.target.partition(":")
    url = ""
    if kind in _PAGES and name:
        try:
            url = reverse(_PAGES[kind], args=[name])
        except NoReverseMatch:
            url = ""
    data = entry.data if isinstance(entry.data, dict) else {"data": entry.data}
    return EntryRow(entry, url, [(key.replace("_", " "), _words(v)) for key, v in data.items()])


def _words(value: object) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value)
