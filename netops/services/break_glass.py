"""In an emergency: a plan is carried out without its approvals, and is marked for ever."""

from __future__ import annotations

from django.db import transaction

from audit.services import audit_note
from hosts.services.hosts import require_online
from netops.models import Change
from netops.services.approvals import job_create, judgeable, require_digest
from people.errors import Forbidden, InvalidInput
from people.models import User

REASON_LENGTH = 2000


def require_breaker(user: User) -> None:
    """Raise Forbidden unless the person may break the glass."""
    if not user.is_site_admin:
        raise Forbidden("role", "Only an admin breaks the glass.")


def _check_reason(reason: str) -> None:
    if not reason.strip():
        message = "Say what the emergency is; it stays with the change for ever."
        raise InvalidInput("required", message, "reason")
    if len(reason) > REASON_LENGTH or "\x00" in reason:
        message = f"A reason is plain text of at most {REASON_LENGTH} characters."
        raise InvalidInput("invalid", message, "reason")


def change_break_glass(*, user: User, change: Change, plan_digest: str, reason: str) -> Change:
    """Have the very plan with that digest carried out at once, without approvals and in spite of a
    freeze; the change, its history and the audit log say so for ever.

    An admin may do it for an own change too: in an emergency there is nobody else.

    Raises Forbidden below admin, InvalidInput without a reason, Conflict when the change does not
    wait for approval, its plan is another or the host is not online.
    """
    require_breaker(user)
    _check_reason(reason)
    with transaction.atomic():
        locked = judgeable(change)
        require_digest(locked, plan_digest)
        require_online(locked.host)
        require_breaker(User.objects.get(pk=user.pk))
        name, reason = user.username, reason.strip()
        job_create(
            locked,
            f"{name} broke the glass: the plan is carried out without its approvals. {reason}",
            by=name,
            break_glass=True,
            fields={"break_glass_by": name, "break_glass_reason": reason},
        )
        audit_note(
            action="change.break-glass",
            by=name,
            target=f"change:{locked.pk}",
            message=f"{name} broke the glass for change {locked.pk} ({locked.host.name}): {reason}",
            data={"plan_digest": plan_digest, "own": locked.requested_by_id == user.pk},
        )
    return locked
