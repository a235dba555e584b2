"""Sends what is due, tries again what did not go out, gives up after a day."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from enum import Enum

from django.utils import timezone

from notify.happenings import Channel
from notify.models import Delivery
from notify.senders.hook import hook_send
from notify.senders.mail import NotSent, mail_send
from notify.services.turns import Turns

log = logging.getLogger(__name__)
MOST_TRIES = 200
SLOW_S = 2.0
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
LONGEST_TRY = {Channel.WEBHOOK: timedelta(minutes=1), Channel.MAIL: timedelta(minutes=5)}
"""More than a try can take: `hook.TRY_S`; for mail, EMAIL_TIMEOUT is for one of some ten steps."""
GIVE_UP = timedelta(days=1)
KEPT = timedelta(days=30)
_turns = Turns()


class Went(Enum):
    """How a try went."""

    SENT = "sent"
    FAILED = "failed"
    UNANSWERED = "unanswered"
    NOT_OURS = "not ours"


def deliver(channel: Channel | None = None) -> int:
    """Send what is due by a channel, None: by each; return how many went out. Safe in several
    threads and processes at once: a delivery belongs to who moves its `next_at`.

    Who does not answer, or is slow, is left alone until the next round, and a mail server that does
    not answer for all that it should take: others shall not wait for them.
    """
    if channel is None:
        return sum(deliver(one) for one in Channel)
    sent, alone = 0, set[int]()
    for _number in range(MOST_TRIES):
        began, went = time.monotonic(), Went.NOT_OURS
        with _turns.next(channel, lambda served: _due(channel, alone | served)) as delivery:
            if delivery is None:
                break
            if _claim(delivery):
                went = _send(delivery)
        sent += went == Went.SENT
        if went == Went.UNANSWERED and channel == Channel.MAIL:
            break
        if went in (Went.FAILED, Went.UNANSWERED) or time.monotonic() - began > SLOW_S:
            alone.add(delivery.user_id)
    return sent


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many tries: a minute, then twice as long each time."""
    pause: timedelta = FIRST_PAUSE * (1 << min(attempts - 1, 10))
    return min(LONGEST_PAUSE, pause)


def _due(channel: Channel, alone: set[int]) -> Delivery | None:
    """Return what has been due for longest, of nobody who is left alone."""
    due = Delivery.objects.filter(
        channel=channel, state=Delivery.State.WAITING, next_at__lte=timezone.now()
    )
    others = due.exclude(user_id__in=alone).select_related("user")
    return others.order_by("next_at", "created_at").first()


def _claim(delivery: Delivery) -> bool:
    """Take a delivery for one try. The next one is set before: whoever dies in the middle leaves
    it to be tried again, later than the longest time that a try can take."""
    attempts = delivery.attempts + 1
    pause = max(pause_after(attempts), LONGEST_TRY[Channel(delivery.channel)])
    mine = Delivery.objects.filter(
        pk=delivery.pk, state=Delivery.State.WAITING, attempts=delivery.attempts
    ).update(attempts=attempts, next_at=timezone.now() + pause)
    delivery.attempts = attempts
    return mine == 1


def _send(delivery: Delivery) -> Went:
    try:
        if not delivery.user.is_active:
            raise NotSent("The person is not active any more.", for_good=True)
        mail_send(delivery) if delivery.channel == Channel.MAIL else hook_send(delivery)
    except NotSent as error:
        _not_sent(delivery, str(error), for_good=error.for_good)
        if not error.unanswered:
            return Went.FAILED
        _leave_alone(delivery)
        return Went.UNANSWERED
    except Exception:  # one message must not stop the others
        log.exception("delivery %s", delivery.pk)
        said = "Something went wrong here; it has been logged."
        _not_sent(delivery, said, for_good=False)
        return Went.FAILED
    Delivery.objects.filter(pk=delivery.pk).update(
        state=Delivery.State.SENT, sent_at=timezone.now(), error=""
    )
    return Went.SENT


def _not_sent(delivery: Delivery, error: str, *, for_good: bool) -> None:
    over = for_good or _over(delivery.created_at)
    state = Delivery.State.GIVEN_UP if over else Delivery.State.WAITING
    # Another worker may have it by now, should this try have taken longer than any may.
    ours = Delivery.objects.filter(
        pk=delivery.pk, state=Delivery.State.WAITING, attempts=delivery.attempts
    )
    next_at = timezone.now() + pause_after(delivery.attempts)
    ours.update(state=state, error=error[:300], next_at=next_at)


def _leave_alone(delivery: Delivery) -> None:
    """Put off what else a receiver that is away should get: each of its messages would cost other
    people's as long as this one did. The mail server is one for all: `deliver` ends its round."""
    if delivery.channel == Channel.WEBHOOK:
        now = timezone.now()
        Delivery.objects.filter(
            user_id=delivery.user_id,
            channel=delivery.channel,
            state=Delivery.State.WAITING,
            next_at__lte=now,
        ).update(next_at=now + FIRST_PAUSE)


def _over(created_at: datetime) -> bool:
    return created_at < timezone.now() - GIVE_UP


def deliveries_forget() -> int:
    """Remove deliveries that ended a month ago; the changes' own history is kept for ever."""
    old = Delivery.objects.filter(created_at__lt=timezone.now() - KEPT)
    return old.exclude(state=Delivery.State.WAITING).delete()[0]
