"""What the audit log says about logging in."""

from __future__ import annotations

import re

from django.core.cache import cache

from audit.origin import origin_current
from audit.services import audit_note
from people.models import User

_NAME = re.compile(r"[\w.@+-]{1,64}", re.ASCII)
_THROTTLED_NOTED_EVERY_S = 60
NOT_KNOWN = "(unknown)"
"""Who did it, where nobody has proved who they are."""


def name_tried(name: str) -> str:
    """Return a name as it may stand in a record for ever.

    Now and then somebody types a password there: what cannot be a name is left out.
    """
    return name if _NAME.fullmatch(name) else "(not a name)"


def login_note(*, user: User, second_factor: bool, oidc: bool) -> None:
    """Note that somebody is logged in, and by what."""
    messages = {
        (True, True): "Logged in by OpenID Connect and a second factor.",
        (True, False): "Logged in by OpenID Connect.",
        (False, True): "Logged in by password and a second factor.",
        (False, False): "Logged in by password.",
    }
    audit_note(
        action="user.logged_in",
        by=user.username,
        target=f"user:{user.username}",
        message=messages[oidc, second_factor],
        data={"oidc": oidc, "second_factor": second_factor},
    )


def login_failed_note(*, name: str) -> None:
    """Note a log-in that was refused: no such name, a wrong password or a switched off account.
    Who tried is not known; the name that was typed is whom it was aimed at."""
    audit_note(
        action="user.login_failed",
        by=NOT_KNOWN,
        target=f"user:{name_tried(name)}",
        message="A log-in was refused: the name or the password is wrong.",
    )


def switched_off_note(*, user: User) -> None:
    """Note that OpenID Connect brought somebody whose account is switched off here."""
    message = "A log-in by OpenID Connect was refused: the account is switched off here."
    own_account_note(user=user, action="user.login_failed", message=message)


def code_failed_note(*, user: User) -> None:
    """Note a wrong second factor."""
    message = "The password was right, the code was not."
    own_account_note(user=user, action="user.code_failed", message=message)


def throttled_note(*, name: str = "") -> None:
    """Note that tries are refused unread; once a minute for each name and address.

    Who is throttled can go on as fast as the network is; the record must not grow with it.
    """
    tried = name_tried(name) if name else ""
    address = origin_current().address
    if not cache.add(f"throttled-noted:{address}:{tried}", True, _THROTTLED_NOTED_EVERY_S):
        return
    audit_note(
        action="user.login_throttled",
        by=NOT_KNOWN,
        target=f"user:{tried}" if tried else "",
        message="Too many tries to log in; further ones are refused for some minutes.",
    )


def own_account_note(*, user: User, action: str, message: str) -> None:
    """Note what somebody did to their own account, or what became of their own log-in."""
    audit_note(action=action, by=user.username, target=f"user:{user.username}", message=message)
