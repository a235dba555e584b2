"""Grants: who may do what their role allows, where a policy asks for a grant."""

from __future__ import annotations

from django.db import transaction

from audit.services import audit_note
from people.errors import Conflict, InvalidInput
from people.models import User
from policies.models import Action, EnvironmentPolicy, Grant
from policies.services.checks import group_named, require_admin, user_named

_GIVEN = {
    Action.REQUEST: "{by} let {who} request changes under {policy}.",
    Action.APPROVE: "{by} let {who} approve changes under {policy}.",
    Action.CANCEL: "{by} let {who} cancel changes under {policy}.",
}
_TAKEN = {
    Action.REQUEST: "{by} no longer lets {who} request changes under {policy}.",
    Action.APPROVE: "{by} no longer lets {who} approve changes under {policy}.",
    Action.CANCEL: "{by} no longer lets {who} cancel changes under {policy}.",
}


@transaction.atomic
def grant_add(
    *, user: User, policy: EnvironmentPolicy, action: str, person: str = "", group: str = ""
) -> Grant:
    """Grant an action (request, approve, cancel) to a person or to the members of a group, by name.

    Raises Forbidden below admin, InvalidInput, Conflict if there is that grant already.
    """
    require_admin(user)
    if action not in Action.values:
        message = f"An action is one of {', '.join(Action.values)}."
        raise InvalidInput("invalid", message, "action")
    if bool(person.strip()) == bool(group.strip()):
        raise InvalidInput("required", "Name a person or a group, one of the two.", "person")
    given = (
        {"user": user_named(person, field="person")}
        if person.strip()
        else {"group": group_named(group, field="group")}
    )
    grant, made = Grant.objects.get_or_create(policy=policy, action=action, **given)
    if not made:
        field = "person" if person.strip() else "group"
        raise Conflict("known", "There is that grant already.", field)
    _note(user, "grant.added", grant, _GIVEN)
    return grant


@transaction.atomic
def grant_remove(*, user: User, policy: EnvironmentPolicy, pk: int) -> bool:
    """Take a grant back; False if the policy has none of that number. Raises Forbidden below
    admin."""
    require_admin(user)
    grants = Grant.objects.select_related("user", "group", "policy")
    grant = grants.filter(policy=policy, pk=pk).first()
    if grant is None:
        return False
    _note(user, "grant.removed", grant, _TAKEN)
    grant.delete()
    return True


def _note(user: User, action: str, grant: Grant, said: dict[Action, str]) -> None:
    who = grant.user.username if grant.user else f"the group {grant.group}"
    audit_note(
        action=action,
        by=user.username,
        target=f"policy:{grant.policy.environment}",
        message=said[Action(grant.action)].format(by=user.username, who=who, policy=grant.policy),
    )
