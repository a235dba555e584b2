"""From what happened to one delivery for each person and channel that wants it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import translation

from netops.models import Approval, Change, Comment, Job
from netops.states import State
from notify.happenings import FAILURES, OF_REQUESTER, Channel, Happening
from notify.message import language_of, message_of
from notify.models import Choice, Delivery, Happened, Webhook
from people.models import User
from policies.access import approve_refusal
from policies.selectors import policy_for

log = logging.getLogger(__name__)
AT_ONCE = 50


def spread() -> int:
    """Make the deliveries of what happened; return how many. Safe in several processes at once.

    What this version cannot tell of is logged and stays; it does not keep the rest from going out.
    """
    made, last = 0, 0
    while found := list(
        Happened.objects.filter(pk__gt=last).values_list("pk", flat=True)[:AT_ONCE]
    ):
        for pk in found:
            try:
                made += _spread(pk)
            except Exception:
                log.exception("what happened as number %s could not be told", pk)
        last = found[-1]
    return made


@transaction.atomic
def _spread(pk: int) -> int:
    happened = Happened.objects.filter(pk=pk).first()
    # Who removes the row makes the deliveries, in the same transaction: all once, or none yet.
    if happened is None or not Happened.objects.filter(pk=pk).delete()[0]:
        return 0
    changes = Change.objects.select_related("host", "requested_by").defer("host__observed")
    change = changes.get(pk=happened.change_id)
    found = Delivery.objects.bulk_create(_deliveries(happened, change), ignore_conflicts=True)
    return len(found)


def _deliveries(happened: Happened, change: Change) -> Iterator[Delivery]:
    choices = _choices(change.host.environment)
    hooked = set(
        Webhook.objects.filter(user__in=[c.user_id for c in choices]).values_list("user", flat=True)
    )
    takes_part = _takes_part(happened, change)
    for choice in choices:
        user, told = choice.user, set[Channel]()
        for happening, about in _happenings(happened, change, user, takes_part, choice):
            for channel in choice.wants(happening):
                reachable = mail_reaches(user) if channel == Channel.MAIL else user.pk in hooked
                if channel in told or not reachable:
                    continue
                told.add(channel)
                yield _delivery(happened, change, user, channel, about)


def _choices(environment: str) -> list[Choice]:
    """Return what each active person chose for an environment, or for all."""
    rows = Choice.objects.filter(environment__in={environment, ""}, user__is_active=True)
    found: dict[int, Choice] = {}
    # "" comes first: a choice of the environment's own takes its place.
    for row in rows.select_related("user").order_by("user_id", "environment"):
        found[row.user_id] = row
    return list(found.values())


def mail_reaches(user: User) -> bool:
    """True when there is a mail server, and the person has an address."""
    return settings.DOCKERNET_MAIL and bool(user.email)


def _takes_part(happened: Happened, change: Change) -> set[int]:
    if happened.what != "comment":
        return set()
    judges = Approval.objects.filter(change=change).values_list("by", flat=True)
    writers = Comment.objects.filter(change=change).values_list("by", flat=True)
    return {change.requested_by_id, *judges, *writers}


def _happenings(
    happened: Happened, change: Change, user: User, takes_part: set[int], choice: Choice
) -> Iterator[tuple[Happening, Happening]]:
    """Yield what it is to this person: what they choose by, and what the message is about."""
    what, mine = happened.what, change.requested_by_id == user.pk
    if what == "comment":
        if user.pk in takes_part and user.username != happened.by:
            yield Happening.COMMENT, Happening.COMMENT
    elif what == "confirm":
        if mine and _still_unconfirmed(change):
            yield Happening.CONFIRM, Happening.CONFIRM
    elif what == State.AWAITING_APPROVAL:
        if choice.wants(Happening.APPROVAL) and _may_approve(user, change):
            yield Happening.APPROVAL, Happening.APPROVAL
    else:
        about = OF_REQUESTER[State(what)]
        if mine:
            yield about, about
        if what in FAILURES:
            yield Happening.ANY_FAILURE, about


def _may_approve(user: User, change: Change) -> bool:
    """True while it waits and the person may judge it."""
    if change.state != State.AWAITING_APPROVAL:
        return False
    policy = policy_for(environment=change.host.environment)
    if approve_refusal(user=user, change=change, policy=policy) is not None:
        return False
    group = policy.approver_group
    # With every approval to come from a group, nobody else's is waited for.
    if group is None or policy.approvals_from_group < policy.approvals_needed:
        return True
    return user.groups.filter(pk=group.pk).exists()


def _still_unconfirmed(change: Change) -> bool:
    jobs = Job.objects.filter(change=change, finished_at=None, confirmed_at=None)
    return jobs.filter(~Q(confirm_nonce="")).exists()


def _delivery(
    happened: Happened, change: Change, user: User, channel: Channel, about: Happening
) -> Delivery:
    with translation.override(language_of(user)):
        message = message_of(about, change, by=happened.by, said=happened.text)
    return Delivery(
        user=user,
        channel=channel,
        happening=about,
        happened=happened.pk,
        change=change,
        subject=message.subject[:200],
        message=message.to_json(),
        created_at=happened.at,
    )
