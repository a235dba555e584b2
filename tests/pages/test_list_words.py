"""A list says of a change what the change's own page says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from hosts.models import Host
from netops.models import Job
from netops.services import change_break_glass
from people.models import User
from tests.pages import world
from tests.pages.reading import tags, text, text_of

Browse = Callable[[str], Client]
People = dict[str, User]
LISTS = ("/", "/changes/", "/work/", "/hosts/web-1/")
# There the head of the list says it.
_AT_WORK = {("/work/", "Awaiting confirmation"): "Waiting for your confirmation"}


@pytest.fixture
def running(people: People, web: Host) -> world.Story:
    """A change whose job has begun its first step."""
    return world.Story(web, people["alice"]).planned().judged(people["bob"]).began()


def everywhere(client: Client, story: world.Story) -> str:
    """Return the word on the change's page; asserts that each list says it too."""
    word = text_of(client.get(f"/changes/{story.change.pk}/"), "state-now")
    for address in LISTS:
        assert _AT_WORK.get((address, word), word) in text(client.get(address)), address
    return word


def test_lists_say_what_the_page_of_the_change_says(browse: Browse, running: world.Story) -> None:
    client = browse("alice")
    assert everywhere(client, running) == "Running"
    running.held()
    assert everywhere(client, running) == "Awaiting confirmation"
    Job.objects.update(confirmed_at=timezone.now(), confirmed_by="alice")
    assert everywhere(client, running) == "Running"
    Job.objects.update(confirmed_at=None, cancel_asked_at=timezone.now(), cancel_by="bob")
    assert everywhere(client, running) == "Going back"


def test_a_job_that_rolls_back_goes_back_in_the_lists(browse: Browse, running: world.Story) -> None:
    told = running.tell("rollback_started", "Docker did not start.")
    told.job = running.job
    told.save(update_fields=["job"])
    assert everywhere(browse("alice"), running) == "Going back"


def test_what_was_sent_without_approvals_is_on_its_way(
    browse: Browse, people: People, web: Host
) -> None:
    story = world.Story(web, people["alice"]).planned()
    digest = story.change.plan_digest
    change_break_glass(
        user=people["admin"], change=story.change, plan_digest=digest, reason="VPN is down."
    )
    assert everywhere(browse("alice"), story) == "On its way"


def test_a_host_page_and_the_list_that_know_the_former_word_get_the_new_one(
    browse: Browse, running: world.Story
) -> None:
    client, news = browse("alice"), {}
    for address, part in (("/", "host-rows"), ("/hosts/web-1/", "host-part")):
        (shown,) = [t for t in tags(client.get(address), "div") if t.get("id") == part]
        news[address] = shown["hx-get"]
        assert client.get(news[address], headers={"HX-Request": "true"}).status_code == 204
    running.held()
    # The list is asked anew only after RECENT_S.
    caches["memory"].clear()
    for address in news.values():
        page = client.get(address, headers={"HX-Request": "true"})
        assert page.status_code == 200
        assert "Awaiting confirmation" in text(page)
