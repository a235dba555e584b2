"""What the reader of a change's page may do now, and why not. Pure: reads no database."""

from __future__ import annotations

from attrs import frozen

from netops.models import Change, Job
from netops.states import REPLANNABLE, UNDER_WAY, WITHDRAWABLE, State
from people.models import User
from policies.standing import Standing

REQUEST_AGAIN = (
    State.BLOCKED,
    State.STALE,
    State.REJECTED,
    State.WITHDRAWN,
    State.EXPIRED,
    State.ROLLED_BACK,
    State.FAILED,
)


@frozen
class Allowed:
    """What this reader may do now. `why_not` is one sentence for those who may not approve,
    `no_grant` one for those whose role would do and who lack a grant for what is offered now."""

    approve: bool
    reject: bool
    break_glass: bool
    withdraw: bool
    cancel: bool
    confirm: bool
    replan: bool
    revert: bool
    again: bool
    why_not: str = ""
    no_grant: str = ""


def allowed_of(
    change: Change, job: Job | None, user: User, standing: Standing, *, undone: bool = False
) -> Allowed:
    """Return what `user` may do with a change under the standing that they have; `undone` when
    another change has taken it back or is about to."""
    state, may_request = change.state, standing.request is None
    waits = state == State.AWAITING_APPROVAL
    stoppable = job is not None and state in UNDER_WAY
    stoppable = stoppable and not (job.cancel_asked_at or job.confirmed_at)  # type: ignore[union-attr]
    offered = state in REPLANNABLE or state in REQUEST_AGAIN or state == State.SUCCEEDED
    lacking = (standing.request if offered else None) or (standing.cancel if stoppable else None)
    why_not = standing.approve_why_not
    return Allowed(
        approve=waits and not why_not,
        reject=waits and standing.judge is None,
        break_glass=waits and user.is_site_admin,
        withdraw=may_withdraw(change, user) and state in (*WITHDRAWABLE, State.APPROVED),
        cancel=stoppable and standing.cancel is None,
        confirm=stoppable and standing.cancel is None and awaits_confirm(change, job),
        replan=may_request and state in REPLANNABLE,
        revert=may_request and state == State.SUCCEEDED and not undone,
        again=may_request and state in REQUEST_AGAIN,
        why_not=why_not,
        no_grant=lacking.message if lacking and lacking.code == "no-grant" else "",
    )


def awaits_confirm(change: Change, job: Job | None) -> bool:
    """True while all is done and the host waits for a person to say that it shall stay so."""
    return (
        change.confirm == Change.Confirm.PERSON
        and change.state == State.RUNNING
        and job is not None
        and bool(job.confirm_nonce)
        and not (job.confirmed_at or job.cancel_asked_at)
    )


def may_withdraw(change: Change, user: User) -> bool:
    """True for who asked for the change, and for admins."""
    return user.can_request() and (user.is_site_admin or change.requested_by_id == user.pk)
