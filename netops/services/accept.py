"""Taking the risks of a blocked change: the same again, in its place."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from netops.allowed import may_withdraw
from netops.models import Change
from netops.services.changes import change_request, change_withdraw, require_operator
from netops.services.moves import change_lock
from netops.states import State
from people.errors import Conflict, InvalidInput
from people.models import User


@transaction.atomic
def change_accept(*, user: User, change: Change, codes: Sequence[str]) -> Change:
    """Ask for the same as a blocked change with risks accepted, by their finding codes; return the
    new change. The former one is withdrawn where this person may: both happen or neither does.

    Raises Forbidden below operator, InvalidInput without codes, Conflict unless the change is
    blocked, and what `change_request` and `change_withdraw` raise.
    """
    require_operator(user)
    if not codes:
        raise InvalidInput("required", "Tick the risks that you accept.", "accept")
    locked = change_lock(change.pk)
    if locked.state != State.BLOCKED:
        state = State(locked.state).label.lower()
        message = f"Change {locked.pk} is {state}; only what is blocked has risks to accept."
        raise Conflict("state", message)
    if may_withdraw(locked, user):
        change_withdraw(user=user, change=locked)
    return change_request(
        user=user,
        host=locked.host,
        kind=locked.kind,
        spec={**locked.spec, "accept": sorted({*locked.spec.get("accept", []), *codes})},
        reason=locked.reason,
        confirm=locked.confirm,
        confirm_window_s=locked.confirm_window_s,
        made_from=locked,
    )
