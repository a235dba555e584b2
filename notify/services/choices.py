"""What a person chooses to be told of, their address, and messages to try it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from audit.services import audit_note
from notify.happenings import TEST, Channel, Happening
from notify.message import trial_message
from notify.models import Choice, Delivery
from people.errors import Conflict, InvalidInput
from people.models import User

MOST_TESTS, TESTS_IN = 5, timedelta(minutes=10)


def choice_save(
    *, user: User, environment: str, mail: Iterable[str], webhook: Iterable[str]
) -> Choice:
    """Keep what a person wants to be told of an environment ("": of all without a choice of their
    own), by channel. Raises InvalidInput for a word that is no happening."""
    found = {"mail": sorted(set(mail)), "webhook": sorted(set(webhook))}
    if set(found["mail"] + found["webhook"]) - set(Happening.values):
        raise InvalidInput("invalid", "There is no such happening.")
    if len(environment) > 63 or "\x00" in environment:
        raise InvalidInput("invalid", "There is no such environment.")
    return Choice.objects.update_or_create(user=user, environment=environment, defaults=found)[0]


def choice_remove(*, user: User, environment: str) -> bool:
    """Have an environment follow the choice for all again; False if it did already."""
    if not environment or "\x00" in environment:
        return False
    return bool(Choice.objects.filter(user=user, environment=environment).delete()[0])


def address_save(*, user: User, email: str) -> None:
    """Set where one's messages go by e-mail ("": nowhere). Raises InvalidInput."""
    email = email.strip()
    try:
        if email:
            validate_email(email)
    except ValidationError as error:
        raise InvalidInput("invalid", "This is no e-mail address.", "email") from error
    if len(email) > 254:
        raise InvalidInput("invalid", "This is no e-mail address.", "email")
    if email == user.email:
        return
    User.objects.filter(pk=user.pk).update(email=email)
    user.email = email
    audit_note(
        action="user.email-set",
        by=user.username,
        target=f"user:{user.username}",
        message=f"{user.username} set the e-mail address for their notifications.",
    )


def trial_send(*, user: User, channel: str) -> Delivery:
    """Send a test to oneself; it goes out with the others. Raises Conflict when there were many,
    InvalidInput for a channel that leads nowhere."""
    if channel not in Channel.values:
        raise InvalidInput("invalid", "There is no such channel.")
    if channel == Channel.MAIL and not (settings.DOCKERNET_MAIL and user.email):
        raise InvalidInput("no-address", "There is no mail server, or you have no address.")
    if channel == Channel.WEBHOOK and not hasattr(user, "webhook"):
        raise InvalidInput("no-webhook", "You have no webhook.")
    recent = Delivery.objects.filter(user=user, happening=TEST)
    if recent.filter(created_at__gt=timezone.now() - TESTS_IN).count() >= MOST_TESTS:
        raise Conflict("too-many", "You sent some tests just now; wait ten minutes.")
    message = trial_message()
    return Delivery.objects.create(
        user=user,
        channel=channel,
        happening=TEST,
        subject=message.subject,
        message=message.to_json(),
    )
