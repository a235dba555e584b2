"""The table of transitions, and that a state moves only along it."""

from __future__ import annotations

import pytest

from netops.models import Change
from netops.services.moves import change_move
from netops.states import AT_REST, HOLDING, REPLANNABLE, TRANSITIONS, WITHDRAWABLE, State
from people.errors import Conflict
from people.models import User
from tests.site.rows import change_row, host_row


def test_it_knows_every_state_of_the_contract() -> None:
    assert set(TRANSITIONS) == set(State)
    assert {str(s) for s in State} == {
        *("planning", "blocked", "awaiting_approval", "approved", "running", "succeeded"),
        *("rolled_back", "failed", "unknown", "rejected", "withdrawn", "stale", "expired"),
    }
    assert set(HOLDING) == {"awaiting_approval", "approved", "running", "unknown"}
    assert not set(HOLDING) & set(AT_REST)


def test_it_allows_a_new_plan_and_a_withdrawal_only_where_the_table_does() -> None:
    assert all(State.PLANNING in TRANSITIONS[state] for state in REPLANNABLE)
    assert all(State.WITHDRAWN in TRANSITIONS[state] for state in WITHDRAWABLE)


@pytest.mark.django_db
@pytest.mark.parametrize("start", State)
def test_it_moves_along_the_table_and_nowhere_else(start: State, people: dict[str, User]) -> None:
    for target in State:
        change = change_row(host_row(), people["alice"], start)
        if target in TRANSITIONS[start]:
            change_move(change, target)
            assert Change.objects.get(pk=change.pk).state == target
        else:
            with pytest.raises(Conflict):
                change_move(change, target)
            assert Change.objects.get(pk=change.pk).state == start


@pytest.mark.django_db
def test_it_moves_nothing_that_somebody_else_has_moved(people: dict[str, User]) -> None:
    change = change_row(host_row(), people["alice"], State.AWAITING_APPROVAL)
    Change.objects.filter(pk=change.pk).update(state=State.REJECTED)
    with pytest.raises(Conflict):
        change_move(change, State.APPROVED)
    assert Change.objects.get(pk=change.pk).state == State.REJECTED
