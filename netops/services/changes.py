"""Asking for a change, taking it back, asking for another plan, asking for the former state."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from hosts.models import Host
from hosts.services.hosts import require_online
from netops.engine.desired import parse_spec
from netops.engine.errors import SpecInvalid
from netops.models import Change
from netops.selectors_request import holder_of
from netops.services.change_notes import change_note
from netops.services.former import former_spec
from netops.services.jobs import job_take_back
from netops.services.moves import change_lock, event_append, history_reopen, state_enter
from netops.services.plan_versions import plan_version_keep
from netops.services.plans import plan_ask
from netops.states import REPLANNABLE, WITHDRAWABLE, State
from people.errors import Conflict, Forbidden
from people.models import User
from policies.access import may_request

REASON_LENGTH = 2000
CONFIRM_WINDOW_S = (10, 3600)


def require_operator(user: User) -> None:
    """Raise Forbidden unless the user may ask for changes."""
    if not user.can_request():
        raise Forbidden("role", "Only an operator, approver or admin may do that.")


def require_free(host: Host, *, except_for: int = 0) -> None:
    """Raise Conflict if a change holds the host, other than number `except_for`."""
    holder = holder_of(host=host, except_for=except_for)
    if holder is not None:
        raise Conflict("host-busy", held_text(holder, host), "host")


def held_text(holder: Change, host: Host) -> str:
    """Return the sentence that says which change holds a host."""
    state = State(holder.state).label.lower()
    return f"Change {holder.pk} ({state}) is open on {host.name}; one change at a time."


def request_faults(
    *, kind: str, spec: object, reason: str, confirm: str, confirm_window_s: int
) -> list[tuple[str, str, str]]:
    """Return every fault of a request, whatever its host, as (field, code, message)."""
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
    return problems + _confirm_problems(confirm, confirm_window_s)


def _confirm_problems(confirm: str, window_s: int) -> list[tuple[str, str, str]]:
    problems = []
    if confirm not in Change.Confirm.values:
        message = 'Who confirms is "site" (by itself) or "person".'
        problems.append(("confirm", "invalid", message))
    least, most = CONFIRM_WINDOW_S
    if not least <= window_s <= most:
        message = f"The window to confirm is a whole number of seconds from {least} to {most}."
        problems.append(("confirm_window_s", "out-of-range", message))
    return problems


def _require_faultless(**asked: Any) -> None:
    faults = request_faults(**asked)
    if faults:
        raise SpecInvalid(faults)


def change_request(
    *,
    user: User,
    host: Host,
    kind: str,
    spec: dict[str, Any],
    reason: str,
    confirm: str = Change.Confirm.SITE,
    confirm_window_s: int = 60,
    made_from: Change | None = None,
) -> Change:
    """Ask for a change; its host starts to plan it.

    `confirm` ("site" or "person") is who confirms the job when all is done, within
    `confirm_window_s` seconds; without a confirm the host goes back by itself. `made_from` is the
    change whose request this one was made from.

    Raises Forbidden below operator and without a grant where the policy asks for one, SpecInvalid
    with every fault of what was asked for, Conflict when the host is not online or another change
    holds it.
    """
    may_request(user=user, host=host)
    _require_faultless(
        kind=kind, spec=spec, reason=reason, confirm=confirm, confirm_window_s=confirm_window_s
    )
    require_online(host)
    return _create(
        user,
        host,
        kind=kind,
        spec=spec,
        reason=reason.strip(),
        confirm=confirm,
        confirm_window_s=confirm_window_s,
        made_from=made_from,
    )


@transaction.atomic
def _create(user: User, host: Host, **fields: Any) -> Change:
    require_free(Host.objects.select_for_update().get(pk=host.pk))
    change = Change.objects.create(host=host, requested_by=user, **fields)
    message = f"{user.username} asked for this change."
    event_append(change, "state", message, data={"state": "planning", "by": user.username})
    verb = "reverted" if change.reverts_id else "requested"
    change_note(change, verb, user, kind=change.kind, reason=change.reason)
    transaction.on_commit(lambda: plan_ask(change))
    return change


def change_withdraw(*, user: User, change: Change) -> Change:
    """Take a change back; a job that its host has not fetched yet is taken out of its queue.

    Raises Forbidden unless `user` asked for it or is an admin, Conflict when it is past that or its
    host has the job (then it can be cancelled), BrokerAway.
    """
    require_operator(user)
    if change.requested_by_id != user.pk and not user.is_site_admin:
        raise Forbidden("not-yours", "Only who asked for a change, or an admin, withdraws it.")
    with transaction.atomic():
        locked = change_lock(change.pk)
        if locked.state == State.APPROVED:
            job_take_back(change=locked)
        elif locked.state not in WITHDRAWABLE:
            state = State(locked.state).label.lower()
            raise Conflict("state", f"Change {locked.pk} is {state}; it cannot be withdrawn.")
        history_reopen(locked)
        message = f"{user.username} withdrew this change."
        state_enter(locked, State.WITHDRAWN, message, by=user.username)
        change_note(locked, "withdrawn", user)
    return locked


def change_replan(*, user: User, change: Change) -> Change:
    """Ask the host for a new plan; the former one, and what was said of it, no longer counts.

    Raises Forbidden for who may not request, Conflict when the change is past that, its host is not
    online or another change holds it.
    """
    may_request(user=user, host=change.host)
    with transaction.atomic():
        locked = change_lock(change.pk)
        if locked.state not in REPLANNABLE:
            state = State(locked.state).label.lower()
            raise Conflict("state", f"Change {locked.pk} is {state}; it gets no new plan.")
        require_online(locked.host)
        require_free(locked.host, except_for=locked.pk)
        # One that was stored before plans were kept.
        plan_version_keep(locked, locked.host)
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
        change_note(locked, "replanned", user)
        transaction.on_commit(lambda: plan_ask(locked))
    return locked


def change_revert(*, user: User, change: Change) -> Change:
    """Ask for what the host was before a change that succeeded; return the new change.

    Raises Forbidden for who may not request, Conflict when it has not succeeded, the former state
    is not known, the host is not online or another change holds it.
    """
    may_request(user=user, host=change.host)
    change.refresh_from_db()
    if change.state != State.SUCCEEDED:
        raise Conflict("state", f"Change {change.pk} has not succeeded; there is nothing to undo.")
    spec = former_spec(change)
    require_online(change.host)
    reason = f"Undo change {change.pk}."
    _require_faultless(
        kind=change.kind,
        spec=spec,
        reason=reason,
        confirm=change.confirm,
        confirm_window_s=change.confirm_window_s,
    )
    return _create(
        user,
        change.host,
        kind=change.kind,
        spec=spec,
        reason=reason,
        confirm=change.confirm,
        confirm_window_s=change.confirm_window_s,
        reverts=change,
    )
