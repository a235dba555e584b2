"""What a message says: a subject, a text, and what a webhook posts. Pure: reads no database."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from netops.kinds import target_of
from netops.models import Change
from notify.happenings import TEST, Happening
from notify.models import Delivery
from people.models import User

MOST_TEXT = 1000


def language_of(user: User) -> str:
    """Return the language that a person's messages are written in."""
    return user.language or settings.LANGUAGE_CODE


@frozen
class Message:
    """`subject` is one line; `text` what stands below it; `data` what is told to programs; `by` is
    who wrote the comment that it is about."""

    subject: str
    text: str
    data: dict[str, Any]
    by: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what a Delivery keeps beside the subject."""
        return {"text": self.text, "data": self.data, "by": self.by}


def message_of(happening: Happening, change: Change, *, by: str = "", said: str = "") -> Message:
    """Return the message about a change, in the language that is active; `said` is a comment by
    `by`."""
    words = {"pk": change.pk, "host": change.host.name, "by": by}
    subject = _subject(happening) % words
    url = f"{settings.DOCKERNET_PUBLIC_URL}{reverse('netops:change', args=[change.pk])}"
    lines = [
        _("What: %(target)s") % {"target": target_of(change)},
        _("Why: %(reason)s") % {"reason": _short(change.reason)},
        _("Requested by: %(name)s") % {"name": change.requested_by.username},
    ]
    if said:
        lines.insert(0, f"{by}: {_short(said)}")
    data = {
        "event": str(happening),
        "change": {
            "id": change.pk,
            "host": change.host.name,
            "environment": change.host.environment,
            "kind": change.kind,
            "state": str(change.state),
            "requested_by": change.requested_by.username,
            "reason": _short(change.reason),
            "url": url,
        },
    }
    return Message(subject, "\n".join([*lines, "", url]), data, by)


def trial_message() -> Message:
    """Return the message that somebody sends to themselves."""
    text = _("If you can read this, messages about changes reach you this way.")
    return Message(_("A test from Dockernet"), text, {"event": TEST})


def subject_now(delivery: Delivery) -> str:
    """Return the subject of a message in the language that is active, from what the message keeps;
    as it was sent where it does not keep that."""
    if delivery.happening == TEST:
        return _("A test from Dockernet")
    change = delivery.message.get("data", {}).get("change", {})
    words = {"pk": change.get("id"), "host": change.get("host"), "by": delivery.message.get("by")}
    needed = ["pk", "host", *(["by"] if delivery.happening == Happening.COMMENT else [])]
    if delivery.happening not in Happening.values or not all(words[name] for name in needed):
        return delivery.subject
    return _subject(Happening(delivery.happening)) % words


def _subject(happening: Happening) -> str:
    said = {
        Happening.APPROVAL: _("Change %(pk)s on %(host)s waits for your approval"),
        Happening.CONFIRM: _("Change %(pk)s on %(host)s waits to be confirmed"),
        Happening.APPROVED: _("Change %(pk)s on %(host)s was approved"),
        Happening.REJECTED: _("Change %(pk)s on %(host)s was rejected"),
        Happening.SUCCEEDED: _("Change %(pk)s on %(host)s succeeded"),
        Happening.ROLLED_BACK: _("Change %(pk)s on %(host)s was rolled back"),
        Happening.FAILED: _("Change %(pk)s on %(host)s failed and needs a person"),
        Happening.UNKNOWN: _("Change %(pk)s on %(host)s: the agent was lost"),
        Happening.STUCK: _("Change %(pk)s on %(host)s cannot go on by itself"),
        Happening.COMMENT: _("%(by)s wrote about change %(pk)s on %(host)s"),
    }
    return said[happening]


def _short(text: str) -> str:
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"
