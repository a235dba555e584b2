"""Asking for a change, taking it back, asking for another plan, asking for the former state."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from hosts.models import Host
from hosts.services.hosts import require_online
from netops.engine.desired import parse_spec
from netops.engine.errors import SpecInvalid
from netops.models import Change
from netops.services.former import former_spec
from netops.services.moves import change_lock, event_append, history_reopen, state_enter
from netops.services.plans import plan_ask
from netops.states import HOLDING, REPLANNABLE, WITHDRAWABLE, State
from people.errors import Conflict, Forbidden
from people.models import User

REASON_LENGTH = 2000


def require_operator(user: User) -> None:
    """Raise Forbidden unless the user may ask for changes."""
    if not user.can_request():
        raise Forbidden("role", "Only an operator, approver or admin may do that.")


def require_free(host: Host, *, except_for: int = 0) -> None:
    """Raise Conflict if a change holds the host, other than number `except_for`."""
    holder = Change.objects.filter(host=host, state__in=HOLDING).exclude(pk=except_for).first()
    if holder is not None:
        raise Conflict("host-busy", held_text(holder, host), "host")


def held_text(holder: Change, host: Host) -> str:
    """Return the sentence that says which change holds a host."""
    state = State(holder.state).label.lower()
    return f"Change {holder.pk} ({state}) is open on {host.name}; one change at a time."


def _check(kind: str, spec: object, reason: str) -> None:
    problems: list[tuple[str, str, str]] = []
    try:
        parse_spec(kind, spec)
    except SpecInvalid as invalid:
        problems += invalid.problems
    if not reason.strip():
        problems.append(("reason", "required", "Say why; the approver reads it."))
    elif len(reason) > REASON_LENGTH:
        message = f"A reason has at most {REASON_LENGTH} characters."
        problems.append(("reason", "too-long", message))
    elif "\x00" in reason:
        problems.append(("reason", "invalid", "A reason is plain text."))
    if problems:
        raise SpecInvalid(problems)


def change_request(
    *, user: User, host: Host, kind: str, spec: dict[str, Any], reason: str
) -> Change:
    """Ask for a change; its host starts to plan it.

    Raises Forbidden below operator, SpecInvalid with every fault of `spec` and `reason`, Conflict
    when the host is not online or another change holds it.
    """
    require_operator(user)
    _check(kind, spec, reason)
    require_online(host)
    return _create(user, host, kind, spec, reason)


@transaction.atomic
def _create(
    user: User,
    host: Host,
    kind: str,
    spec: dict[str, Any],
    reason: str,
    reverts: Change | None = None,
) -> Change:
    require_free(Host.objects.select_for_update().get(pk=host.pk))
    change = Change.objects.create(
        host=host,
        kind=kind,
        spec=spec,
        reason=reason.strip(),
        requested_by=user,
        reverts=reverts,
    )
    message = f"{user.username} asked for this change."
    event_append(change, "state", message, data={"state": "planning", "by": user.username})
    transaction.on_commit(lambda: plan_ask(change))
    return change


def change_withdraw(*, user: User, change: Change) -> Change:
    """Take a change back. Raises Forbidden unless `user` asked for it or is an admin, Conflict once
    it has been approved."""
    require_operator(user)
    if change.requested_by_id != user.pk and not user.is_site_admin:
        raise Forbidden("not-yours", "Only who asked for a change, or an admin, withdraws it.")
    with transaction.atomic():
        locked = change_lock(change.pk)
        if locked.state not in WITHDRAWABLE:
            state = State(locked.state).label.lower()
            raise Conflict("state", f"Change {locked.pk} is {state}; it cannot be withdrawn.")
        history_reopen(locked)
        message = f"{user.username} withdrew this change."
        state_enter(locked, State.WITHDRAWN, message, by=user.username)
    return locked


def change_replan(*, user: User, change: Change) -> Change:
    """Ask the host for a new plan; the former one, and what was said of it, no longer counts.

    Raises Forbidden below operator, Conflict when the change is past that, its host is not online
    or another change holds it.
    """
    require_operator(user)
    with transaction.atomic():
        locked = change_lock(change.pk)
        if locked.state not in REPLANNABLE:
            state = State(locked.state).label.lower()
            raise Conflict("state", f"Change {locked.pk} is {state}; it gets no new plan.")
        require_online(locked.host)
        require_free(locked.host, except_for=locked.pk)
        history_reopen(locked)
        fields = {
            "plan": None,
            "plan_digest": "",
            "plan_error": "",
            "plan_asked_at": None,
            "plan_round": locked.plan_round + 1,
        }
        message = f"{user.username} asked for a new plan."
        state_enter(locked, State.PLANNING, message, by=user.username, fields=fields)
        transaction.on_commit(lambda: plan_ask(locked))
    return locked


def change_revert(*, user: User, change: Change) -> Change:
    """Ask for what the host was before a change that succeeded; return the new change.

    Raises Forbidden below operator, Conflict when it has not succeeded, the former state is not
    known, the host is not online or another change holds it.
    """
    require_operator(user)
    change.refresh_from_db()
    if change.state != State.SUCCEEDED:
        raise Conflict("state", f"Change {change.pk} has not succeeded; there is nothing to undo.")
    spec = former_spec(change)
    require_online(change.host)
    reason = f"Undo change {change.pk}."
    _check(change.kind, spec, reason)
    return _create(user, change.host, change.kind, spec, reason, reverts=change)
