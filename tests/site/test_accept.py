"""Taking the risks of a blocked change: a new one in its place, or nothing."""

from __future__ import annotations

import pytest

from hosts.models import Host
from netops.models import Change
from netops.services import change_accept
from netops.states import State
from people.errors import Conflict, InvalidInput
from people.models import User
from tests.pages import world


@pytest.fixture
def people(db: None) -> dict[str, User]:
    """Two operators."""
    return {name: world.user(name, "operator") for name in ("alice", "erin")}


@pytest.fixture
def blocked(people: dict[str, User]) -> Change:
    """A change of alice that its host refuses."""
    change = world.Story(world.host("web-1"), people["alice"]).planned().change
    Change.objects.filter(pk=change.pk).update(state=State.BLOCKED)
    return change


def states() -> list[str]:
    """The states of all changes, by number."""
    return list(Change.objects.order_by("pk").values_list("state", flat=True))


def test_it_takes_the_place_of_the_blocked_one(people: dict[str, User], blocked: Change) -> None:
    again = change_accept(user=people["alice"], change=blocked, codes=["removes-container"])
    assert states() == ["withdrawn", "planning"]
    assert again.spec == {**blocked.spec, "accept": ["removes-container"]}
    assert again.reason == blocked.reason


def test_another_persons_stays(people: dict[str, User], blocked: Change) -> None:
    change_accept(user=people["erin"], change=blocked, codes=["removes-container"])
    assert states() == ["blocked", "planning"]


def test_a_second_click_makes_no_second_change(people: dict[str, User], blocked: Change) -> None:
    change_accept(user=people["alice"], change=blocked, codes=["removes-container"])
    with pytest.raises(Conflict):
        change_accept(user=people["alice"], change=blocked, codes=["removes-container"])
    assert states() == ["withdrawn", "planning"]


def test_nothing_is_withdrawn_when_the_new_one_is_refused(
    people: dict[str, User], blocked: Change
) -> None:
    Host.objects.update(last_seen_at=None)
    with pytest.raises(Conflict):
        change_accept(user=people["alice"], change=blocked, codes=["removes-container"])
    assert states() == ["blocked"]


def test_it_asks_for_a_risk(people: dict[str, User], blocked: Change) -> None:
    with pytest.raises(InvalidInput):
        change_accept(user=people["alice"], change=blocked, codes=[])
    assert states() == ["blocked"]
