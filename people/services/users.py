"""People: made and updated."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction

from audit.services import audit_note
from people.errors import Conflict, InvalidInput, NotFound
from people.models import User
from people.roles import Role


@transaction.atomic
def user_save(
    *, name: str, role: str, password: str | None = None, by: str = "dockernet"
) -> tuple[User, bool]:
    """Make the user `name`, or give an existing one this role (and password, unless None).

    `by` is who does it, for the audit log. Returns the user and whether it is new. A new user
    without a password can use the API only.
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
    before, user.role = user.role, role
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
    _notes(user, by, made=made, before=before, password=password is not None)
    return user, made


@transaction.atomic
def user_switch(*, name: str, active: bool, by: str = "dockernet") -> User:
    """Switch a person off, or on again. Off: sessions and tokens open nothing from this moment on;
    what the person did, asked for and approved stays.

    Raises NotFound, Conflict if it is so already.
    """
    user = User.objects.select_for_update().filter(username=name).first()
    if user is None:
        raise NotFound("not-found", f"There is no user {name}.", "name")
    word = "on" if active else "off"
    if user.is_active == active:
        raise Conflict("switched", f"The user {name} is switched {word} already.", "name")
    User.objects.filter(pk=user.pk).update(is_active=active)
    user.is_active = active
    message = f"{by} switched the user {name} off."
    if active:
        message = f"{by} switched the user {name} on."
    audit_note(action=f"user.switched_{word}", by=by, target=f"user:{name}", message=message)
    return user


def user_language(*, user: User, language: str) -> None:
    """Keep the language that a person has chosen. No audit note: it changes what nobody else sees.

    `language` is a code of settings.LANGUAGES."""
    User.objects.filter(pk=user.pk).update(language=language)
    user.language = language


def _notes(user: User, by: str, *, made: bool, before: str, password: bool) -> None:
    """Take down what `user_save` did: nothing where everything was so already."""
    name, target = user.username, f"user:{user.username}"
    if made:
        message = f"{by} made the user {name} ({user.role})."
        audit_note(action="user.made", by=by, target=target, message=message)
    elif before != user.role:
        message = f"{by} changed the role of {name} from {before} to {user.role}."
        data = {"from": before, "to": user.role}
        audit_note(action="user.role_changed", by=by, target=target, message=message, data=data)
    if password and not made:
        message = f"{by} set a new password for {name}."
        audit_note(action="user.password_changed", by=by, target=target, message=message)
