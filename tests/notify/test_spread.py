"""Who is told of what: written with the move of a change, once for each person and channel."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction
from pytest_django import Settings

from netops.models import Change
from netops.services import change_reject
from netops.services.comments import change_comment
from netops.services.moves import change_lock, state_enter
from netops.states import State
from notify.happenings import Happening
from notify.models import Delivery, Happened
from notify.services.choices import choice_save
from notify.services.outbox import confirm_happened
from notify.services.spread import AT_ONCE, spread
from notify.services.webhooks import webhook_remove, webhook_save
from people.models import User
from policies.services import grant_add, policy_save
from tests.pages import world

pytestmark = pytest.mark.django_db
People = dict[str, User]
EVERY = Happening.values


@pytest.fixture(autouse=True)
def all_can_be_reached(people: People, settings: Settings) -> None:
    settings.DOCKERNET_MAIL = True
    for user in people.values():
        user.email = f"{user.username}@example.org"
        user.save()


def want(people: People, *names: str, what: list[str] | None = None, at: str = "") -> None:
    for name in names:
        mail = EVERY if what is None else what
        choice_save(user=people[name], environment=at, mail=mail, webhook=[])


def move(change: Change, *states: State) -> None:
    for state in states:
        with transaction.atomic():
            state_enter(change_lock(change.pk), state, "x")


def told() -> set[tuple[str, str]]:
    spread()
    assert not Happened.objects.exists()
    return set(Delivery.objects.values_list("user__username", "happening"))


def test_nobody_is_told_who_has_not_chosen_it(waiting: Change) -> None:
    move(waiting, State.APPROVED, State.RUNNING, State.FAILED)
    assert told() == set()


def test_the_one_who_asked_is_told_how_it_went(people: People, waiting: Change) -> None:
    want(people, "alice", "bob")
    move(waiting, State.APPROVED, State.RUNNING, State.SUCCEEDED)
    assert told() == {("alice", "approved"), ("alice", "succeeded")}


@pytest.mark.parametrize("state", [State.FAILED, State.ROLLED_BACK, State.UNKNOWN])
def test_a_failure_is_told_to_who_wants_them_all_and_once_to_each(
    people: People, waiting: Change, state: State
) -> None:
    want(people, "alice")
    want(people, "carol", what=["any-failure"])
    move(waiting, State.APPROVED, State.RUNNING)
    assert told() == {("alice", "approved")}
    move(waiting, state)
    assert told() == {("alice", "approved"), ("alice", str(state)), ("carol", str(state))}
    assert Delivery.objects.count() == 3
    assert spread() == 0


def test_a_plan_is_told_to_who_may_approve_it(people: People, waiting: Change) -> None:
    want(people, *people)
    move(waiting, State.PLANNING, State.AWAITING_APPROVAL)
    assert told() == {(name, "approval") for name in ("bob", "dan", "admin")}


def test_a_plan_is_not_told_to_who_lacks_a_grant(people: People, waiting: Change) -> None:
    admin = people["admin"]
    policy = policy_save(user=admin, environment="production", approve_granted_only=True)
    grant_add(user=admin, policy=policy, action="approve", person="dan")
    want(people, *people)
    move(waiting, State.PLANNING, State.AWAITING_APPROVAL)
    assert told() == {("dan", "approval")}


def test_a_plan_that_is_no_more_is_not_told(people: People, waiting: Change) -> None:
    want(people, "bob")
    move(waiting, State.PLANNING, State.AWAITING_APPROVAL, State.WITHDRAWN)
    assert told() == set()


def test_a_choice_for_an_environment_stands_in_for_the_one_for_all(
    people: People, waiting: Change
) -> None:
    want(people, "alice")
    want(people, "alice", what=["failed"], at="production")
    lab = world.Story(world.host("lab-1", environment="lab"), people["alice"]).planned().change
    move(waiting, State.REJECTED)
    move(lab, State.REJECTED)
    assert told() == {("alice", "rejected")}
    assert Delivery.objects.get().change == lab


def test_it_does_not_matter_which_choice_was_made_first(people: People, waiting: Change) -> None:
    want(people, "alice", what=["failed"], at="production")
    want(people, "alice")
    move(waiting, State.REJECTED)
    assert told() == set()


def test_what_is_rolled_back_in_the_database_is_not_told(people: People, waiting: Change) -> None:
    want(people, "alice")
    with transaction.atomic():
        change_reject(user=people["bob"], change=waiting, comment="no")
        assert Happened.objects.exists()
        transaction.set_rollback(True)
    assert told() == set()


def test_who_is_not_active_is_told_nothing(people: People, waiting: Change) -> None:
    want(people, "alice")
    User.objects.filter(username="alice").update(is_active=False)
    move(waiting, State.REJECTED)
    assert told() == set()


def test_without_a_way_to_them_nobody_is_told(
    people: People, waiting: Change, settings: Settings
) -> None:
    choice_save(user=people["alice"], environment="", mail=EVERY, webhook=EVERY)
    settings.DOCKERNET_MAIL = False
    move(waiting, State.REJECTED)
    assert told() == set()


def test_what_it_cannot_tell_of_does_not_keep_the_rest(people: People, waiting: Change) -> None:
    want(people, "alice")
    Happened.objects.all().delete()
    Happened.objects.create(change=waiting, what="of-another-version")
    change_comment(user=people["carol"], change=waiting, text="Is the VPN on it?")
    assert spread() == 1
    assert [row.what for row in Happened.objects.all()] == ["of-another-version"]


def test_even_much_that_it_cannot_tell_of_does_not_keep_the_rest(
    people: People, waiting: Change
) -> None:
    """More than it takes at once, and all of it before."""
    want(people, "alice")
    odd = [Happened(change=waiting, what="of another version") for _ in range(AT_ONCE + 1)]
    Happened.objects.bulk_create(odd)
    Happened.objects.create(change=waiting, what=State.FAILED)
    assert spread() == 1
    assert Happened.objects.count() == AT_ONCE + 1


def test_each_channel_is_its_own_delivery(people: People, waiting: Change) -> None:
    webhook_save(user=people["alice"], url="https://chat.example.org/x")
    choice_save(user=people["alice"], environment="", mail=EVERY, webhook=EVERY)
    move(waiting, State.REJECTED)
    told()
    assert set(Delivery.objects.values_list("channel", flat=True)) == {"mail", "webhook"}
    webhook_remove(user=people["alice"])


def test_a_comment_is_told_to_who_takes_part_but_its_writer(
    people: People, waiting: Change
) -> None:
    want(people, *people)
    change_reject(user=people["bob"], change=waiting, comment="no")
    told()
    Delivery.objects.all().delete()
    change_comment(user=people["carol"], change=waiting, text="Why?")
    assert told() == {("alice", "comment"), ("bob", "comment")}
    Delivery.objects.all().delete()
    change_comment(user=people["bob"], change=waiting, text="Because of <this>.")
    assert told() == {("alice", "comment"), ("carol", "comment")}
    assert "Because of <this>." in Delivery.objects.all()[0].message["text"]


def test_a_wait_for_a_person_is_told_while_it_lasts(
    people: People, web: object, capsys: pytest.CaptureFixture[str]
) -> None:
    want(people, *people)
    story = world.Story(web, people["alice"]).planned().judged(people["bob"]).began()  # type: ignore[arg-type]
    confirm_happened(change_id=story.change.pk)
    assert told() == set()
    story.held()
    confirm_happened(change_id=story.change.pk)
    assert told() == {("alice", "confirm")}


def test_it_takes_as_many_queries_for_many_people(
    people: People, waiting: Change, django_assert_max_num_queries: Callable[..., object]
) -> None:
    for number in range(30):
        user = world.user(f"viewer-{number}", "viewer")
        people[user.username] = user
        User.objects.filter(pk=user.pk).update(email="x@example.org")
    want(people, *people)
    move(waiting, State.APPROVED, State.RUNNING, State.FAILED)
    Happened.objects.exclude(what="failed").delete()
    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        assert spread() == 35
