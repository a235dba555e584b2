"""Policies: one for each environment that needs its own, and one for the rest."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from audit.services import audit_note
from people.errors import InvalidInput
from people.models import User
from policies.models import MOST_APPROVALS, EnvironmentPolicy
from policies.services.checks import group_named, plain_text, require_admin

EXPIRES_S = (60, 31_536_000)


@transaction.atomic
def policy_save(
    *,
    user: User,
    environment: str,
    approvals_needed: int = 1,
    approver_group: str = "",
    approvals_from_group: int | None = None,
    approval_expires_s: int | None = None,
    request_granted_only: bool = False,
    approve_granted_only: bool = False,
    cancel_granted_only: bool = False,
) -> EnvironmentPolicy:
    """Set the policy of an environment ("": of all that have none of their own), whole.

    `approver_group` is a name, "" for none; `approvals_from_group` of the approvals must come from
    it (None: all). `approval_expires_s` None: as long as the site's settings say. It holds at once,
    also for plans that wait.

    Raises Forbidden below admin, InvalidInput.
    """
    require_admin(user)
    environment = plain_text(
        environment, field="environment", what="An environment", most=63, empty=True
    )
    if not 1 <= approvals_needed <= MOST_APPROVALS:
        message = f"A change needs 1 to {MOST_APPROVALS} approvals."
        raise InvalidInput("out-of-range", message, "approvals_needed")
    group = group_named(approver_group, field="approver_group") if approver_group.strip() else None
    values: dict[str, Any] = {
        "approvals_needed": approvals_needed,
        "approver_group": group,
        "approvals_from_group": _from_group(group, approvals_from_group, approvals_needed),
        "approval_expires_s": _expires(approval_expires_s),
        "request_granted_only": request_granted_only,
        "approve_granted_only": approve_granted_only,
        "cancel_granted_only": cancel_granted_only,
    }
    policy, _ = EnvironmentPolicy.objects.update_or_create(environment=environment, defaults=values)
    audit_note(
        action="policy.saved",
        by=user.username,
        target=f"policy:{environment}",
        message=_set_said(user, policy),
        data={**values, "approver_group": group.name if group else ""},
    )
    return policy


def _set_said(user: User, policy: EnvironmentPolicy) -> str:
    if policy.environment:
        return f"{user.username} set the policy of {policy.environment}."
    return f"{user.username} set the default policy."


def _removed_said(user: User, policy: EnvironmentPolicy) -> str:
    if policy.environment:
        return f"{user.username} removed the policy of {policy.environment}."
    return f"{user.username} removed the default policy."


def _from_group(group: Group | None, wanted: int | None, needed: int) -> int:
    if group is None:
        if wanted:
            message = "Name the group that they must come from."
            raise InvalidInput("required", message, "approver_group")
        return 0
    if wanted is None:
        return needed
    if not 1 <= wanted <= needed:
        message = f"Of {needed} approvals, 1 to {needed} can be asked from the group."
        raise InvalidInput("out-of-range", message, "approvals_from_group")
    return wanted


def _expires(seconds: int | None) -> int | None:
    least, most = EXPIRES_S
    if seconds is not None and not least <= seconds <= most:
        message = f"A plan waits for approval {least} to {most} seconds: a minute to a year."
        raise InvalidInput("out-of-range", message, "approval_expires_s")
    return seconds


@transaction.atomic
def policy_remove(*, user: User, pk: int) -> bool:
    """Remove a policy with its grants; False if there is none. The default policy, or one approval
    by role, then holds for its hosts. Raises Forbidden below admin."""
    require_admin(user)
    policy = EnvironmentPolicy.objects.filter(pk=pk).first()
    if policy is None:
        return False
    policy.delete()
    audit_note(
        action="policy.removed",
        by=user.username,
        target=f"policy:{policy.environment}",
        message=_removed_said(user, policy),
    )
    return True
