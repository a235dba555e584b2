"""Tags of hosts: words of the team's to find them by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from django.db import transaction

from audit.services import audit_note
from hosts.models import Host, Tag
from people.errors import Forbidden, InvalidInput
from people.models import User

MOST = 10
_TAG = re.compile(r"\w(?:[\w.-]{0,28}\w)?")


def tags_split(text: str) -> list[str]:
    """Return the words of a text with commas or spaces between them."""
    return text.replace(",", " ").split()


def host_tags_set(*, user: User, host: Host, tags: Iterable[str]) -> list[str]:
    """Give a host these tags and no others; return them by name, in small letters.

    Raises Forbidden unless `user` is an admin, InvalidInput for a word that is no tag or for more
    than MOST. Tags that no host has any more are gone.
    """
    if not user.is_site_admin:
        raise Forbidden("role", "Only an admin tags hosts.")
    names = _checked(tags)
    with transaction.atomic():
        Host.objects.select_for_update().get(pk=host.pk)
        before = list(host.tags.values_list("name", flat=True))
        if names == before:
            return names
        Tag.objects.bulk_create((Tag(name=name) for name in names), ignore_conflicts=True)
        host.tags.set(Tag.objects.filter(name__in=names))
        Tag.objects.filter(name__in=set(before) - set(names), hosts=None).delete()
        now = ", ".join(names) or "none"
        audit_note(
            action="host.tagged",
            by=user.username,
            target=f"host:{host.name}",
            message=f"{user.username} set the tags of {host.name} to {now}.",
            data={"before": before, "after": names},
        )
    return names


def _checked(tags: Iterable[str]) -> list[str]:
    names = sorted({unicodedata.normalize("NFC", tag.strip()).lower() for tag in tags})
    if len(names) > MOST:
        raise InvalidInput("too-many", f"A host has at most {MOST} tags.", "tags")
    for name in names:
        if not _TAG.fullmatch(name):
            message = f"“{name[:40]}” is no tag: 1 to 30 letters, digits, “-”, “.” and “_”."
            raise InvalidInput("invalid", message, "tags")
    return names
