"""Groups of people, for approvals and grants: Django's own, edited here."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from audit.services import audit_note
from people.errors import Conflict
from people.models import User
from policies.services.checks import plain_text, require_admin, user_named


def group_create(*, user: User, name: str) -> Group:
    """Make an empty group. Raises Forbidden below admin, InvalidInput, Conflict if it is known."""
    require_admin(user)
    name = plain_text(name, field="name", what="A name", most=100)
    try:
        with transaction.atomic():
            group = Group.objects.create(name=name)
            _note(user, "group.made", group, f"{user.username} made the group {name}.")
    except IntegrityError as error:
        raise Conflict("known", f"There is a group {name} already.", "name") from error
    return group


@transaction.atomic
def group_remove(*, user: User, group: Group) -> None:
    """Remove a group. Raises Forbidden below admin, Conflict while a policy or grant names it."""
    require_admin(user)
    _note(user, "group.removed", group, f"{user.username} removed the group {group.name}.")
    try:
        group.delete()
    except ProtectedError as error:
        used = sorted({str(getattr(row, "policy", row)) for row in error.protected_objects})
        message = f"It is used by {', '.join(used)}; take it out there first."
        raise Conflict("in-use", message) from error


@transaction.atomic
def member_add(*, user: User, group: Group, name: str) -> User:
    """Put a person, by name, into a group. Raises Forbidden below admin, InvalidInput, Conflict."""
    require_admin(user)
    person = user_named(name, field="name")
    if person.groups.filter(pk=group.pk).exists():
        raise Conflict("known", f"{person.username} is in the group already.", "name")
    person.groups.add(group)
    message = f"{user.username} put {person.username} into the group {group.name}."
    _note(user, "group.member-added", group, message)
    return person


@transaction.atomic
def member_remove(*, user: User, group: Group, pk: int) -> bool:
    """Take a person out of a group; False if they are not in it. Raises Forbidden below admin."""
    require_admin(user)
    person = User.objects.filter(pk=pk, groups=group).first()
    if person is None:
        return False
    person.groups.remove(group)
    message = f"{user.username} took {person.username} out of the group {group.name}."
    _note(user, "group.member-removed", group, message)
    return True


def _note(user: User, action: str, group: Group, message: str) -> None:
    audit_note(
        action=action,
        by=user.username,
        target=f"group:{group.name}",
        message=message,
    )
