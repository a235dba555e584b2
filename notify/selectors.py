"""Reads of choices, webhooks and deliveries."""

from __future__ import annotations

from notify.models import Choice, Delivery, Webhook
from people.models import User


def choices_of(*, user: User) -> dict[str, Choice]:
    """Return what a person chose, by environment ("": for all)."""
    return {choice.environment: choice for choice in Choice.objects.filter(user=user)}


def webhook_of(*, user: User) -> Webhook | None:
    """Return a person's webhook, None without one."""
    return Webhook.objects.filter(user=user).first()


def deliveries_of(*, user: User, most: int) -> list[Delivery]:
    """Return the newest messages to a person."""
    return list(Delivery.objects.filter(user=user)[:most])
