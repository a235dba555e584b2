"""People: made and updated."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction

from people.errors import InvalidInput
from people.models import User
from people.roles import Role


@transaction.atomic
def user_save(*, name: str, role: str, password: str | None = None) -> tuple[User, bool]:
    """Make the user `name`, or give an existing one this role (and password, unless None).

    Returns the user and whether it is new. A new user without a password can use the API only.
    Raises InvalidInput for an unknown role, an empty password or a name that cannot be one.
    """
    if role not in Role.values:
        raise InvalidInput("role", f"The role is one of {', '.join(Role.values)}.", "role")
    if password == "":
        raise InvalidInput(
            "required", "The password is empty; leave it out to keep it.", "password"
        )
    user = User.objects.select_for_update().filter(username=name).first()
    made = user is None
    user = user or User(username=name)
    user.role = role
    if password is not None:
        user.set_password(password)
    elif made:
        user.set_unusable_password()
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidInput(
            "invalid", messages[0], "name" if field == "username" else field
        ) from error
    user.save()
    return user, made
