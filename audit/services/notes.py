"""Entries of the audit log are written here and nowhere else."""

from __future__ import annotations

from typing import Any

from audit.models import Entry
from audit.origin import origin_current

TEXT_LENGTH = 2000


def audit_note(
    *, action: str, by: str, message: str, target: str = "", data: dict[str, Any] | None = None
) -> Entry:
    """Add an entry, in the caller's transaction: what is rolled back was not done.

    `action` is noun.verb ("change.approved", "host.revoked", "message.forged"); `target` names
    what it was done to ("change:12", "host:web1", "user:carol"); `message` is one sentence. Texts
    must be clean (hosts.services.clean) where they come from a host.
    """
    origin = origin_current()
    return Entry.objects.create(
        action=action,
        by=by[:150],
        via=origin.via,
        address=origin.address[:64],
        target=target[:128],
        message=message[:TEXT_LENGTH],
        data=data or {},
    )
