"""What people do with a change, in the audit log."""

from __future__ import annotations

from audit.services import audit_note
from netops.models import Change
from people.models import User

_SAID = {
    "requested": "{by} requested change {pk} on {host}.",
    "reverted": "{by} requested change {pk} on {host}, which undoes change {reverts}.",
    "replanned": "{by} asked for a new plan of change {pk} on {host}.",
    "withdrawn": "{by} withdrew change {pk} on {host}.",
    "approved": "{by} approved the plan of change {pk} on {host}.",
    "sent-on": "{by} had change {pk} on {host} carried out: it has the approvals that it needs.",
    "rejected": "{by} rejected the plan of change {pk} on {host}.",
    "commented": "{by} commented on change {pk} on {host}.",
}


def change_note(change: Change, verb: str, user: User, **data: str) -> None:
    """Add an entry "change.<verb>", in the caller's transaction; `data` is what else to remember.

    `verb` is one of requested, reverted, replanned, withdrawn, approved, sent-on,
    rejected, commented.
    """
    words = {"pk": change.pk, "host": change.host.name, "reverts": change.reverts_id}
    audit_note(
        action=f"change.{verb}",
        by=user.username,
        target=f"change:{change.pk}",
        message=_SAID[verb].format(by=user.username, **words),
        data={key: value for key, value in data.items() if value},
    )
