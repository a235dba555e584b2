"""Template tags about messages that were sent."""

from __future__ import annotations

from django import template

from notify.message import subject_now
from notify.models import Delivery

register = template.Library()


@register.filter
def subject(delivery: Delivery) -> str:
    """What a message is about, in the reader's language; it went out in the person's."""
    return subject_now(delivery)
