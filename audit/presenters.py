"""An entry as the API, the exports and the page show it."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from audit.models import Entry

# What else is known of an act, by the names that it has in `data`.
_NAMES = {
    "after": gettext_lazy("After"),
    "approval_expires_s": gettext_lazy("A plan waits for (seconds)"),
    "approvals_from_group": gettext_lazy("Approvals from the group"),
    "approvals_needed": gettext_lazy("Approvals needed"),
    "approve_granted_only": gettext_lazy("Approving needs a grant"),
    "approver_group": gettext_lazy("Group of approvers"),
    "before": gettext_lazy("Before"),
    "cancel_granted_only": gettext_lazy("Cancelling needs a grant"),
    "code": gettext_lazy("Code"),
    "comment": gettext_lazy("Comment"),
    "count": gettext_lazy("Number"),
    "expires": gettext_lazy("Expires"),
    "filters": gettext_lazy("Filters"),
    "format": gettext_lazy("Format"),
    "from": pgettext_lazy("audit", "From"),
    "kind": gettext_lazy("Kind"),
    "label": gettext_lazy("Label"),
    "oidc": gettext_lazy("By OpenID Connect"),
    "own": gettext_lazy("Own change"),
    "plan_digest": gettext_lazy("Digest of the plan"),
    "reason": gettext_lazy("Reason"),
    "request_granted_only": gettext_lazy("Requesting needs a grant"),
    "second_factor": gettext_lazy("Second factor"),
    "text": gettext_lazy("Text"),
    "to": pgettext_lazy("audit", "To"),
    "token": gettext_lazy("Number of the token"),
}
# From where an act came (origin.py).
_VIAS = {
    "page": pgettext_lazy("audit", "page"),
    "api": "API",
    "host": pgettext_lazy("audit", "host"),
    "command": pgettext_lazy("audit", "command"),
    "system": pgettext_lazy("audit", "Dockernet itself"),
}
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
    """An entry, where its target has a page, from where it came, and what else is known, as pairs
    of words."""

    entry: Entry
    url: str
    via: str
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
    via = str(_VIAS.get(entry.via, entry.via))
    return EntryRow(entry, url, via, [(_name(key), _words(value)) for key, value in data.items()])


def _name(key: str) -> str:
    return str(_NAMES.get(key) or key.replace("_", " "))


def _words(value: object) -> str:
    if value is None or value == "":
        return pgettext("audit", "none")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value)
