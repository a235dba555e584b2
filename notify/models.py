"""Who wants to be told what, what is still to be told, and how the telling went."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notify.happenings import Channel


class Happened(models.Model):
    """Something that people may want to be told of: written with what it is about, in the same
    transaction, and gone as soon as each of them has a Delivery. `what` is a state of the change,
    "confirm" or "comment"; `by` the name of who did it, where that was a person."""

    change = models.ForeignKey("netops.Change", on_delete=models.CASCADE, related_name="+")
    what = models.CharField(max_length=20)
    by = models.CharField(max_length=150, blank=True)
    text = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.what} of change {self.change_id}"


class Choice(models.Model):
    """What one person wants to be told of hosts of one environment, by channel (lists of words of
    `Happening`). The row of the environment "" holds for all that have no row of their own."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notify_choices"
    )
    environment = models.CharField(max_length=63, blank=True)
    mail = models.JSONField(default=list)
    webhook = models.JSONField(default=list)

    class Meta:
        ordering = ("environment",)
        constraints = [
            models.UniqueConstraint(fields=["user", "environment"], name="choice_of_environment")
        ]

    def __str__(self) -> str:
        return f"choice of {self.user_id} for {self.environment or 'all'}"

    def wants(self, happening: str) -> list[Channel]:
        """Return the channels by which the person wants to be told of a happening."""
        return [channel for channel in Channel if happening in getattr(self, channel)]


class Webhook(models.Model):
    """Where a person has messages posted. Address and secret are sealed (people/seal.py): who has
    the address of a chat can write into it."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhook"
    )
    host = models.CharField(max_length=253)
    url_sealed = models.TextField()
    secret_sealed = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"webhook at {self.host}"


class Delivery(models.Model):
    """One message to one person by one channel. `happened` is the number of what it tells of, so
    that nobody is told twice; a delivery is tried at `next_at`, again and again for a day."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENT = "sent", _("Sent")
        GIVEN_UP = "given_up", _("Given up")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="deliveries"
    )
    channel = models.CharField(max_length=8, choices=Channel)
    happening = models.CharField(max_length=20)
    happened = models.BigIntegerField(null=True, blank=True)
    change = models.ForeignKey(
        "netops.Change", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    subject = models.CharField(max_length=200)
    message = models.JSONField()
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    next_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["happened", "user", "channel"], name="told_once_by_a_channel"
            )
        ]
        indexes = [
            models.Index(fields=["state", "next_at"], name="delivery_due"),
            models.Index(fields=["user", "-created_at"], name="delivery_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.happening} to {self.user_id} by {self.channel}"
