"""API tokens: made, and recognised by their SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from audit.services import audit_note
from people.errors import TokenExpired
from people.models import ApiToken, User

PREFIX = "dn_"
DEFAULT_DAYS, MOST_DAYS = 90, 3650
_USE_NOTED_EVERY = timedelta(minutes=1)


def digest_of_token(token: str) -> str:
    """Return the SHA-256 (hex) of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def token_issue(
    *,
    user: User,
    label: str = "",
    days: int | None = DEFAULT_DAYS,
    by: str = "",
    from_page: bool = False,
) -> str:
    """Make a token for `user` and return it; it cannot be read again later.

    It is good for `days` days (1 to MOST_DAYS), None means until it is revoked. `by` is who makes
    it, for the audit log: the user unless given. One `from_page` ends with the owner's password.
    """
    token = PREFIX + secrets.token_urlsafe(32)
    expires_at = None if days is None else timezone.now() + timedelta(days=days)
    row = ApiToken.objects.create(
        user=user,
        digest=digest_of_token(token),
        label=label[:100],
        expires_at=expires_at,
        from_page=from_page,
    )
    _note("made", row, by or user.username)
    return token


@transaction.atomic
def token_revoke(*, user: User, pk: int) -> ApiToken | None:
    """Delete a token, which opens nothing from now on, and return what it was.

    None if there is none of that number that `user` may revoke: one's own, for an admin anyone's.
    """
    tokens = ApiToken.objects.select_related("user").select_for_update(of=("self",)).filter(pk=pk)
    if not user.is_site_admin:
        tokens = tokens.filter(user=user)
    row = tokens.first()
    if row is not None:
        _note("revoked", row, user.username)
        ApiToken.objects.filter(pk=pk).delete()
    return row


@transaction.atomic
def tokens_end(*, user: User) -> int:
    """Revoke what was made on the page as `user`, and return how many tokens that were.

    For who gets a new password or second factor: whoever knew the old password may have made one.
    Those of `manage user` stay: an admin at the console made them, and scripts rely on them.
    """
    rows = list(user.api_tokens.select_for_update().filter(from_page=True).order_by("pk"))
    for row in rows:
        _note("revoked", row, user.username)
    ApiToken.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def token_user(*, token: str) -> User | None:
    """Return the active user whose valid token this is, None otherwise; notes its use.

    Raises TokenExpired for a token that was good once: only who has it learns so much.
    """
    now = timezone.now()
    found = (
        ApiToken.objects.select_related("user")
        .filter(digest=digest_of_token(token), user__is_active=True)
        .first()
    )
    if found is None:
        return None
    if found.expires_at is not None and found.expires_at <= now:
        when = f"{found.expires_at:%Y-%m-%d %H:%M} UTC"
        message = f"This token expired on {when}. Make a new one under My API tokens."
        raise TokenExpired("token-expired", message)
    if found.last_used_at is None or now - found.last_used_at > _USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=now)
    return found.user


def _note(verb: str, row: ApiToken, by: str) -> None:
    owner = row.user.username
    expires = "never" if row.expires_at is None else row.expires_at.isoformat(timespec="seconds")
    audit_note(
        action=f"token.{verb}",
        by=by,
        target=f"user:{owner}",
        message=_said(verb, owner, row.label, by),
        data={"token": row.pk, "label": row.label, "expires": expires},
    )


def _said(verb: str, owner: str, label: str, by: str) -> str:
    sentences = {
        ("made", True, True): f"{by} made their own API token “{label}”.",
        ("made", True, False): f"{by} made their own API token.",
        ("made", False, True): f"{by} made {owner}'s API token “{label}”.",
        ("made", False, False): f"{by} made {owner}'s API token.",
        ("revoked", True, True): f"{by} revoked their own API token “{label}”.",
        ("revoked", True, False): f"{by} revoked their own API token.",
        ("revoked", False, True): f"{by} revoked {owner}'s API token “{label}”.",
        ("revoked", False, False): f"{by} revoked {owner}'s API token.",
    }
    return sentences[verb, owner == by, bool(label)]
