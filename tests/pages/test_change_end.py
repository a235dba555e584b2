"""The page of a change at the end of its job: the confirm, cancelling, what is left to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from hosts.models import Host
from hosts.services import dispatch
from netops.models import Change, Job
from netops.states import State
from netops.wire import CancelRequest, ConfirmGiven
from people.models import User
from tests.pages import world
from tests.pages.host_example import observed
from tests.pages.reading import tags, targets, text, text_of

Browse = Callable[[str], Client]
People = dict[str, User]
NEW = "/changes/new/"
GOOD = {
    "kind": "subnet",
    "host": "web-1",
    "subnet": "192.168.225.0/24",
    "reason": "The VPN uses 172.17.0.0/16.",
}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the broker took."""
    bodies: list[Any] = []
    monkeypatch.setattr(dispatch, "send", lambda *, host, body, task_id=None: bodies.append(body))
    return bodies


@pytest.fixture
def running(people: People, web: Host) -> world.Story:
    """alice's change, under way."""
    return world.Story(web, people["alice"]).planned().judged(people["bob"]).began()


def test_its_steps_stand_first_and_the_file_is_of_before_as_soon_as_it_runs(
    browse: Browse, people: People
) -> None:
    bare = world.host("bare-1", observed=observed(name="bare-1", manager="sysv"))
    story = world.Story(bare, people["alice"]).planned().judged(people["bob"])
    sent = text(browse("carol").get(f"/changes/{story.change.pk}/"))
    assert sent.index("What and why") < sent.index("Look at Docker's service")
    assert "The file is not there yet." in sent
    story.began()
    begun = text(browse("carol").get(f"/changes/{story.change.pk}/"))
    assert begun.index("Look at Docker's service") < begun.index("What and why")
    assert "The file was not there before." in begun


def test_it_asks_a_person_to_confirm(browse: Browse, running: world.Story, sent: list[Any]) -> None:
    running.held()
    client, address = browse("dan"), f"/changes/{running.change.pk}/"
    page = client.get(address)
    told = text_of(page, "confirm-note")
    assert "Keep it?" in told
    assert "the host goes back by itself in" in told
    assert [time for time in tags(page, "time") if "data-until" in time]
    assert client.post(f"{address}confirm/")["Location"] == address
    assert sent == [ConfirmGiven(Job.objects.get().pk, "ab" * 16, "dan")]
    after = client.get(address)
    assert "confirm-note" not in after.text
    assert f"{address}confirm/" not in targets(after)
    assert f"{address}cancel/" not in targets(after)


def test_it_offers_a_viewer_no_confirm(browse: Browse, running: world.Story) -> None:
    running.held()
    address = f"/changes/{running.change.pk}/"
    page = browse("carol").get(address)
    assert "An operator, approver or admin confirms." in text(page)
    assert not {f"{address}confirm/", f"{address}cancel/"} & targets(page)


def test_it_tells_that_the_site_confirms(browse: Browse, running: world.Story) -> None:
    running.held("site", 40)
    address = f"/changes/{running.change.pk}/"
    page = browse("dan").get(address)
    assert "Dockernet confirms it over a new connection" in text(page)
    assert f"{address}confirm/" not in targets(page)


def test_it_cancels(browse: Browse, running: world.Story, sent: list[Any]) -> None:
    client, address = browse("dan"), f"/changes/{running.change.pk}/"
    assert f"{address}cancel/" in targets(client.get(address))
    assert client.post(f"{address}cancel/")["Location"] == address
    assert sent == [CancelRequest(Job.objects.get().pk, "dan")]
    page = client.get(address)
    assert "dan cancelled this." in text(page)
    assert f"{address}cancel/" not in targets(page)


def test_it_says_when_there_is_nothing_to_cancel(
    browse: Browse, people: People, web: Host, sent: list[Any]
) -> None:
    change = world.story_succeeded(web, people["alice"], people["bob"])
    answer = browse("alice").post(f"/changes/{change.pk}/cancel/")
    assert answer.status_code == 409
    assert "there is no job to cancel" in text(answer)
    assert sent == []
    assert Change.objects.get().state == State.SUCCEEDED


def test_it_names_what_is_left_to_do(browse: Browse, running: world.Story) -> None:
    commands = ("systemctl start docker", "docker start <b>web</b>")
    running.did(2).ended(State.FAILED, "It could not be brought back.", left=commands)
    page = browse("carol").get(f"/changes/{running.change.pk}/")
    assert text_of(page, "left") == "systemctl start docker docker start <b>web</b>"
    assert "<b>web</b>" not in page.text


def test_it_keeps_the_lines_that_belong_to_no_step(browse: Browse, running: world.Story) -> None:
    running.tell("output", "The journal says what to undo.\nOne moment.")
    page = browse("carol").get(f"/changes/{running.change.pk}/")
    assert "The journal says what to undo.\nOne moment." in page.text


def test_it_takes_back_what_the_host_has_not_fetched(
    browse: Browse, people: People, web: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = world.Story(web, people["alice"]).planned().judged(people["bob"]).change
    client, address = browse("alice"), f"/changes/{change.pk}/"
    assert f"{address}withdraw/" in targets(client.get(address))
    monkeypatch.setattr(dispatch, "take_back", lambda *, host, task_id: False)
    Job.objects.update(dispatched_at=change.created_at)
    answer = client.post(f"{address}withdraw/")
    assert answer.status_code == 409
    assert "web-1 has the job already. Cancel it instead." in text(answer)
    assert Change.objects.get().state == State.APPROVED
    monkeypatch.setattr(dispatch, "take_back", lambda *, host, task_id: True)
    assert client.post(f"{address}withdraw/").status_code == 302
    assert Change.objects.get().state == State.WITHDRAWN


def test_the_form_asks_who_confirms(browse: Browse, web: Host) -> None:
    client = browse("alice")
    assert "who confirms it?" in client.get(NEW).text
    client.post(NEW, GOOD | {"confirm": "person", "confirm_window_s": "300"})
    change = Change.objects.get()
    assert (change.confirm, change.confirm_window_s) == ("person", 300)
    again = client.get(f"{NEW}?from={change.pk}")
    chosen = [a for a in tags(again, "input") if a.get("name") == "confirm"]
    assert [a["value"] for a in chosen if "checked" in a] == ["person"]
    assert 'value="300"' in again.text


@pytest.mark.parametrize("seconds", ["5", "4000", "soon", "-1", "1e3"])
def test_the_form_says_what_is_wrong_with_the_window(
    browse: Browse, web: Host, seconds: str
) -> None:
    answer = browse("alice").post(NEW, GOOD | {"confirm_window_s": seconds})
    assert answer.status_code == 422
    told = text_of(answer, "id_confirm_window_s_field")
    assert "a whole number of seconds from 10 to 3600" in told
    assert not Change.objects.exists()


def test_it_says_in_a_word_what_the_state_alone_does_not(
    browse: Browse, running: world.Story
) -> None:
    client, address = browse("carol"), f"/changes/{running.change.pk}/"
    assert text_of(client.get(address), "state-now") == "Running"
    running.held()
    page = client.get(address)
    assert text_of(page, "state-now") == "Awaiting confirmation"
    assert "Awaiting confirmation" in text_of(page, "stages")
    assert text_of(page, "job-line") == f"all {len(running.plan.steps)} done"
    Job.objects.update(cancel_asked_at=timezone.now(), cancel_by="bob")
    page = client.get(address)
    assert text_of(page, "state-now") == "Going back"
    assert "Running" not in text_of(page, "stages")


def test_what_was_taken_back_is_compared_with_before(
    browse: Browse, people: People, web: Host
) -> None:
    change = world.story_rolled_back(web, people["alice"], people["bob"])
    page = browse("carol").get(f"/changes/{change.pk}/")
    told = text(page)
    assert "Container Before Found at the end app-0 172.17.0.2 172.17.0.2 app-1" in told
    assert "differs" not in told


def test_a_failed_change_is_not_offered_to_other_hosts(
    browse: Browse, running: world.Story
) -> None:
    running.did(3).ended(State.FAILED, "Docker did not start.")
    page = browse("alice").get(f"/changes/{running.change.pk}/")
    assert 'id="repeat"' not in page.text
    assert 'id="again"' in page.text


def test_a_change_that_was_undone_says_so(browse: Browse, people: People, web: Host) -> None:
    change = world.story_succeeded(web, people["alice"], people["bob"])
    client, address = browse("alice"), f"/changes/{change.pk}/"
    assert "undone-by" not in client.get(address).text
    client.post(f"{address}revert/")
    undoing = Change.objects.get(reverts=change)
    page = client.get(address)
    assert text_of(page, "undone-by") == f"#{undoing.pk} asks to undo this."
    assert f"{address}revert/" not in targets(page)
    Change.objects.filter(pk=undoing.pk).update(state=State.SUCCEEDED)
    assert text_of(client.get(address), "undone-by") == f"#{undoing.pk} has undone this since."
    Change.objects.filter(pk=undoing.pk).update(state=State.WITHDRAWN)
    page = client.get(address)
    assert "undone-by" not in page.text
    assert f"{address}revert/" in targets(page)


def test_an_old_record_tells_of_no_later_outage(browse: Browse, people: People, web: Host) -> None:
    first = world.story_succeeded(web, people["alice"], people["bob"])
    second = world.story_succeeded(web, people["alice"], people["bob"])
    client = browse("carol")
    assert "outages" in client.get(f"/changes/{second.pk}/").text
    assert 'id="outages"' not in client.get(f"/changes/{first.pk}/").text


def test_what_waited_for_its_reader_is_counted_again(
    browse: Browse, people: People, web: Host
) -> None:
    change = world.Story(web, people["alice"]).planned().change
    answer = browse("bob").post(
        f"/changes/{change.pk}/reject/", {"comment": "Not now."}, headers={"HX-Request": "true"}
    )
    assert answer["HX-Trigger"] == "work"
    change.refresh_from_db()
    assert change.state == State.REJECTED


def test_a_host_that_could_not_go_back_is_not_simply_done(
    browse: Browse, people: People, web: Host
) -> None:
    told = world.Story(web, people["alice"]).planned().judged(people["bob"]).began()
    told.tell("rollback_started", "alice cancelled the job. The host goes back.")
    message = (
        "alice cancelled the job. There was no way back: Docker's network other has addresses of "
        "172.17.0.0/16 by now. The host stays on the new state, which is whole and proved."
    )
    told.enter(State.SUCCEEDED, message, end=True)
    Job.objects.update(result={"left": ["docker network rm other"]})
    page = text(browse("carol").get(f"/changes/{told.change.pk}/"))
    assert "web-1 could not go back, and stays on the new state." in page
    assert "Docker's network other has addresses of 172.17.0.0/16 by now." in page
    assert "docker network rm other" in page
    assert "Done." not in page
    # In the event log alone, which keeps what was said then.
    assert page.count("The host goes back.") == 1
