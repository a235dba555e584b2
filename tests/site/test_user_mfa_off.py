"""Somebody who lost phone and recovery codes gets in again, and the log says who helped."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from audit.models import Entry
from people.models import User

pytestmark = pytest.mark.django_db


def factor(user: User) -> None:
    for kind in (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES):
        Authenticator.objects.create(user=user, type=kind, data={})


def test_it_takes_the_factors_of_one_person_away(people: dict[str, User]) -> None:
    factor(people["carol"])
    factor(people["bob"])
    call_command("user-mfa-off", "carol")
    assert {a.user for a in Authenticator.objects.all()} == {people["bob"]}
    entry = Entry.objects.get(action="user.mfa_removed")
    assert (entry.target, entry.via) == ("user:carol", "command")
    assert entry.by.endswith(" (shell)")


def test_it_says_why_nothing_was_taken(people: dict[str, User]) -> None:
    factor(people["bob"])
    before = Entry.objects.count()
    with pytest.raises(CommandError, match="no user nobody"):
        call_command("user-mfa-off", "nobody")
    with pytest.raises(CommandError, match="has no second factor"):
        call_command("user-mfa-off", "carol")
    assert Authenticator.objects.count() == 2
    assert Entry.objects.count() == before
