"""What people can be told of, and which of it a change's new state is. Pure: reads no database."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from netops.states import State


class Happening(models.TextChoices):
    """What a person chooses to be told of; "mine" is what they asked for themselves."""

    APPROVAL = "approval", _("A plan waits for my approval")
    CONFIRM = "confirm", _("My change waits to be confirmed")
    APPROVED = "approved", _("My change was approved")
    REJECTED = "rejected", _("My change was rejected")
    SUCCEEDED = "succeeded", _("My change succeeded")
    ROLLED_BACK = "rolled_back", _("My change was rolled back")
    FAILED = "failed", _("My change failed and needs a person")
    UNKNOWN = "unknown", _("The agent was lost during my change")
    STUCK = "stuck", _("My change cannot go on: blocked, stale or expired")
    ANY_FAILURE = "any-failure", _("Anybody's change failed, was rolled back or lost its agent")
    COMMENT = "comment", _("A comment on a change that I asked for, judged or wrote about")


class Channel(models.TextChoices):
    """By which way."""

    MAIL = "mail", _("E-mail")
    WEBHOOK = "webhook", _("Webhook")


TEST = "test"
"""The happening of a message that somebody sends to themselves to try a channel."""

OF_REQUESTER = {
    State.APPROVED: Happening.APPROVED,
    State.REJECTED: Happening.REJECTED,
    State.SUCCEEDED: Happening.SUCCEEDED,
    State.ROLLED_BACK: Happening.ROLLED_BACK,
    State.FAILED: Happening.FAILED,
    State.UNKNOWN: Happening.UNKNOWN,
    State.BLOCKED: Happening.STUCK,
    State.STALE: Happening.STUCK,
    State.EXPIRED: Happening.STUCK,
}
FAILURES = (State.FAILED, State.ROLLED_BACK, State.UNKNOWN)
TOLD_STATES = (State.AWAITING_APPROVAL, *OF_REQUESTER)
"""Entering one of these is told to somebody who wants it."""
