"""What bob is told of, and how it went: for pictures and browser tests."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from notify.models import Choice, Delivery
from notify.services.webhooks import webhook_save
from people.models import User


def seed_work(bob: User) -> None:
    """Give bob a webhook, a choice for all and one for production, and a message in each state."""
    webhook_save(user=bob, url="https://hooks.chat.example/services/T0/B0")
    all_ = ["approval", "any-failure", "comment"]
    Choice.objects.create(user=bob, environment="", mail=["approval"], webhook=all_)
    Choice.objects.create(user=bob, environment="production", mail=all_, webhook=all_)
    about = {"id": 12, "host": "edge-icn-4"}
    refused = "hooks.chat.example answered 503."
    for state, error, tries, ago in (
        (Delivery.State.WAITING, refused, 3, 9),
        (Delivery.State.SENT, "", 1, 40),
        (
            Delivery.State.GIVEN_UP,
            "There is no address for hooks.chat.example.",
            28,
            60 * 26,
        ),
    ):
        at = timezone.now() - timedelta(minutes=ago)
        Delivery.objects.create(
            user=bob,
            channel="webhook",
            happening="failed",
            change_id=12,
            subject="Change 12 on edge-icn-4 failed and needs a person",
            message={"text": "", "data": {"event": "failed", "change": about}},
            state=state,
            error=error,
            attempts=tries,
            created_at=at,
            next_at=timezone.now() + timedelta(days=9),
        )
