"""A person who is switched off is out at once, by every door."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from audit.models import Entry
from people.models import User
from people.services import token_issue
from tests.site.api_client import Api

pytestmark = pytest.mark.django_db


def test_it_throws_out_who_is_switched_off(people: dict[str, User]) -> None:
    token = token_issue(user=people["carol"])
    client = Client()
    client.force_login(people["carol"])
    assert client.get("/").status_code == 200
    call_command("user-off", "carol")
    assert client.get("/")["Location"].startswith("/login/")
    assert client.get("/api/v1/me").status_code == 401
    assert Api(token).get("/me").problems == [("", "unauthenticated")]
    entry = Entry.objects.get(action="user.switched_off")
    assert (entry.target, entry.via) == ("user:carol", "command")
    assert entry.by.endswith(" (shell)")
    call_command("user-off", "carol", "--undo")
    assert Api(token).get("/me").status == 200
    assert Entry.objects.filter(action="user.switched_on").count() == 1


def test_it_says_why_nothing_was_switched(people: dict[str, User]) -> None:
    before = Entry.objects.count()
    with pytest.raises(CommandError, match="no user nobody"):
        call_command("user-off", "nobody")
    with pytest.raises(CommandError, match="switched on already"):
        call_command("user-off", "carol", "--undo")
    assert User.objects.filter(is_active=True).count() == len(people)
    assert Entry.objects.count() == before
