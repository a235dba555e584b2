"""Sends what is due, tries again what did not go out, gives up after a day."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from notify.happenings import Channel
from notify.message import language_of
from notify.models import Delivery
from notify.senders.hook import hook_send
from notify.senders.mail import NotSent, mail_send

log = logging.getLogger(__name__)
AT_ONCE = 20
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
GIVE_UP = timedelta(days=1)
KEPT = timedelta(days=30)


def deliver() -> int:
    """Send what is due; return how many went out. Safe in several processes at once: a delivery
    belongs to who moves its `next_at`.

    Who does not answer is left alone until the next round: others shall not wait for them.
    """
    due = Delivery.objects.filter(state=Delivery.State.WAITING, next_at__lte=timezone.now())
    sent, silent = 0, set()
    for delivery in due.select_related("user").order_by("next_at", "created_at")[:AT_ONCE]:
        whom = (delivery.user_id, delivery.channel)
        if whom in silent or not _claim(delivery):
            continue
        # What went wrong is written down for the person to read.
        with translation.override(language_of(delivery.user)):
            went = _send(delivery)
        if went:
            sent += 1
        else:
            silent.add(whom)
    return sent


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many tries: a minute, then twice as long each time."""
    pause: timedelta = FIRST_PAUSE * (1 << min(attempts - 1, 10))
    return min(LONGEST_PAUSE, pause)


def _claim(delivery: Delivery) -> bool:
    """Take a delivery for one try. The next one is set before: whoever dies in the middle leaves
    it to be tried again, later than the longest time that a try can take."""
    attempts = delivery.attempts + 1
    mine = Delivery.objects.filter(
        pk=delivery.pk, state=Delivery.State.WAITING, attempts=delivery.attempts
    ).update(attempts=attempts, next_at=timezone.now() + pause_after(attempts))
    delivery.attempts = attempts
    return mine == 1


def _send(delivery: Delivery) -> bool:
    try:
        if not delivery.user.is_active:
            raise NotSent(_("The person is not active any more."), for_good=True)
        mail_send(delivery) if delivery.channel == Channel.MAIL else hook_send(delivery)
    except NotSent as error:
        _not_sent(delivery, str(error), for_good=error.for_good)
        return False
    except Exception:  # one message must not stop the others
        log.exception("delivery %s", delivery.pk)
        _not_sent(delivery, _("Something went wrong here; it has been logged."), for_good=False)
        return False
    Delivery.objects.filter(pk=delivery.pk).update(
        state=Delivery.State.SENT, sent_at=timezone.now(), error=""
    )
    return True


def _not_sent(delivery: Delivery, error: str, *, for_good: bool) -> None:
    over = for_good or _over(delivery.created_at)
    state = Delivery.State.GIVEN_UP if over else Delivery.State.WAITING
    Delivery.objects.filter(pk=delivery.pk).update(state=state, error=error[:300])


def _over(created_at: datetime) -> bool:
    return created_at < timezone.now() - GIVE_UP


def deliveries_forget() -> int:
    """Remove deliveries that ended a month ago; the changes' own history is kept for ever."""
    old = Delivery.objects.filter(created_at__lt=timezone.now() - KEPT)
    return old.exclude(state=Delivery.State.WAITING).delete()[0]
