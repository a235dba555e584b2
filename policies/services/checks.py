"""What the services of this app ask of their input."""

from __future__ import annotations

from django.contrib.auth.models import Group

from people.errors import Forbidden, InvalidInput
from people.models import User


def require_admin(user: User) -> None:
    """Raise Forbidden unless the person may edit policies."""
    if not user.is_site_admin:
        raise Forbidden("role", "Only an admin edits policies, freezes and groups.")


def plain_text(text: str, *, field: str, what: str, most: int, empty: bool = False) -> str:
    """Return a text without surrounding space; raises InvalidInput when it is too long or none."""
    text = text.strip()
    if (not text and not empty) or len(text) > most or not text.isprintable():
        message = f"{what} is plain text of 1 to {most} characters."
        if empty:
            message = f"{what} is plain text of at most {most} characters."
        raise InvalidInput("invalid", message, field)
    return text


def user_named(name: str, *, field: str) -> User:
    """Return the person of that name; raises InvalidInput."""
    found = None if "\x00" in name else User.objects.filter(username=name.strip()).first()
    if found is None:
        raise InvalidInput("unknown-user", f"There is nobody called “{name.strip()}”.", field)
    return found


def group_named(name: str, *, field: str) -> Group:
    """Return the group of that name; raises InvalidInput."""
    found = None if "\x00" in name else Group.objects.filter(name=name.strip()).first()
    if found is None:
        message = f"There is no group “{name.strip()}”; make it on the page of groups."
        raise InvalidInput("unknown-group", message, field)
    return found


def environment_text(environment: str, *, everywhere: bool = False) -> str:
    """Return how a sentence names an environment."""
    if everywhere:
        return "all environments"
    return environment or "hosts without an environment"
