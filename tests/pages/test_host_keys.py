"""The keys of a host on its page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from audit.services import audit_note
from hosts.models import Host
from tests.pages.reading import text

pytestmark = pytest.mark.django_db
Browse = Callable[[str], Client]


def test_it_tells_new_keys_from_those_of_the_enrolment(browse: Browse, web: Host) -> None:
    web.keys_at = web.enrolled_at
    web.save(update_fields=["keys_at"])
    assert "Made when it was enrolled" in text(browse("carol").get("/hosts/web-1/"))
    Host.objects.update(keys_at=timezone.now())
    assert "Made anew" in text(browse("carol").get("/hosts/web-1/"))


def test_it_asks_before_it_rotates_keys_and_says_what_is_known_of_them(
    browse: Browse, web: Host
) -> None:
    web.next_secret, web.rotation_asked_at = "cd" * 32, web.enrolled_at
    page = browse("admin").get("/hosts/web-1/").content.decode()
    assert 'id="rotate"' in page
    assert 'id="rotate"' not in browse("carol").get("/hosts/web-1/").content.decode()
    web.save(update_fields=["next_secret", "rotation_asked_at"])
    audit_note(action="message.forged", by="web-1", target="host:web-1", message="Dropped <b>.")
    page = browse("admin").get("/hosts/web-1/").content.decode()
    assert "New ones were asked for" in page
    assert 'id="rotate"' not in page
    assert "Dropped &lt;b&gt;." in page
    assert "stolen its key" in browse("admin").get("/hosts/web-1/rotate/").content.decode()
