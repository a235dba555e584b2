"""The cursor of a live page, as anybody may write it."""

from __future__ import annotations

import pytest
from django.test import Client

from netops.states import State
from people.models import User
from tests.site.rows import change_row, host_row

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("after", ["9" * 5000, "-1", "x", ""])
def test_it_takes_any_text_for_a_cursor(people: dict[str, User], after: str) -> None:
    change = change_row(host_row("web-1"), people["alice"], State.WITHDRAWN)
    client = Client()
    client.force_login(people["carol"])
    assert client.get(f"/changes/{change.pk}/live/", {"after": after}).status_code == 200
