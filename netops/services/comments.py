"""What people say about a change. Nothing that is said here decides anything."""

from __future__ import annotations

import json

from django.db import transaction

from hosts.services.broker_access import EVENTS_CHANNEL, announce
from netops.models import Change, Comment
from netops.services.change_notes import change_note
from netops.stream_nudge import nudge
from notify.services.outbox import comment_happened
from people.errors import Conflict, InvalidInput
from people.models import User

COMMENT_LENGTH = 4000
MOST_COMMENTS = 1000
MOST_OF_ONE = 200
"""So many of one person, who must not be able to end the conversation for the others."""


def change_comment(*, user: User, change: Change, text: str) -> Comment:
    """Keep what somebody who may see the change says about it; open pages of it are told.

    The change itself is not touched, so it needs no lock: neither its state nor its numbered events
    know of comments. Raises InvalidInput for the text, Conflict when there are too many.
    """
    said = _checked(text)
    with transaction.atomic():
        _require_room(user, change)
        comment = Comment.objects.create(change=change, by=user, text=said)
        change_note(change, "commented", user, comment=said)
        comment_happened(change_id=change.pk, by=user.username, text=said)
        transaction.on_commit(lambda: _announce(change.pk))
    return comment


def _require_room(user: User, change: Change) -> None:
    earlier = Comment.objects.filter(change=change)
    if earlier.count() >= MOST_COMMENTS:
        message = f"This change has {MOST_COMMENTS} comments; it takes no more."
        raise Conflict("too-many", message, "text")
    if earlier.filter(by=user).count() >= MOST_OF_ONE:
        message = f"You have said {MOST_OF_ONE} things about this change; it takes no more of you."
        raise Conflict("too-many", message, "text")


def _checked(text: str) -> str:
    said = text.replace("\r\n", "\n").strip()
    if not said:
        raise InvalidInput("required", "Write something first.", "text")
    if len(said) > COMMENT_LENGTH or "\x00" in said:
        message = f"A comment is plain text of at most {COMMENT_LENGTH} characters."
        raise InvalidInput("invalid", message, "text")
    return said


def _announce(change_id: int) -> None:
    # A word to the open pages alone: the events of the contract are numbered and end with `end`,
    # and a comment may come after that.
    announce(EVENTS_CHANNEL, [json.dumps(nudge(change_id).to_message())])
