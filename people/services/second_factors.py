"""Second factors of somebody who has lost them. Setting them up is allauth's."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction

from audit.services import audit_note
from people.errors import Conflict, NotFound
from people.models import User


@transaction.atomic
def second_factors_remove(*, name: str, by: str = "dockernet") -> User:
    """Take a person's app and recovery codes away: the password alone opens until there is another.

    `by` is who does it, for the audit log. Raises NotFound, Conflict if the person has none.
    """
    user = User.objects.select_for_update().filter(username=name).first()
    if user is None:
        raise NotFound("not-found", f"There is no user {name}.", "name")
    if Authenticator.objects.filter(user=user).delete()[0] == 0:
        raise Conflict("none", f"The user {name} has no second factor.", "name")
    message = f"{by} took the second factors of {name} away."
    audit_note(action="user.mfa_removed", by=by, target=f"user:{name}", message=message)
    return user
