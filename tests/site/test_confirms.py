"""The confirm at the end of a job, cancelling, and taking a job back from its host's queue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Entry
from hosts.models import Host
from netops.models import Change, Job
from netops.services.confirms import confirm_asked
from netops.states import State
from netops.wire import CancelRequest, ConfirmAsk, ConfirmGiven
from people.models import User
from tests.site.api_client import Api
from tests.site.line import Line
from tests.site.rows import change_row, history, host_row, job_row

pytestmark = pytest.mark.django_db
NONCE = "ab" * 16


@pytest.fixture
def job(people: dict[str, User], line: Line) -> Job:
    """A job under way, of a change that alice asked for."""
    change = change_row(host_row("web-1"), people["alice"], State.RUNNING)
    return job_row(change, last_seq=5, started_at=timezone.now(), dispatched_at=timezone.now())


def by_person(job: Job) -> Job:
    Change.objects.update(confirm="person")
    return job


def notes() -> list[Entry]:
    """What the audit log says of changes."""
    return list(Entry.objects.filter(action__startswith="change."))


def asked(job: Job, nonce: str = NONCE, left_s: float = 50.0) -> bool:
    return confirm_asked(host=job.change.host, ask=ConfirmAsk(job.pk, nonce, left_s))


def fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_it_confirms_by_itself(
    job: Job, line: Line, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert asked(job)
    assert line.sent == [ConfirmGiven(job.pk, NONCE, "site")]
    assert fresh(job).confirmed_by == "site"
    seconds = (fresh(job).confirm_until - timezone.now()).total_seconds()  # type: ignore[operator]
    assert 40 < seconds <= 50


def test_it_confirms_again_when_the_host_asks_again(
    job: Job, line: Line, django_capture_on_commit_callbacks: Any
) -> None:
    line.away = True
    with django_capture_on_commit_callbacks(execute=True):
        assert asked(job)
    assert line.sent == []
    assert fresh(job).confirmed_at is None
    line.away = False
    with django_capture_on_commit_callbacks(execute=True):
        assert asked(job)
    assert line.sent == [ConfirmGiven(job.pk, NONCE, "site")]


def test_it_leaves_the_confirm_to_a_person(
    job: Job, line: Line, api: Callable[[str], Api], django_capture_on_commit_callbacks: Any
) -> None:
    by_person(job)
    with django_capture_on_commit_callbacks(execute=True):
        assert asked(job)
        assert asked(job)
    assert line.sent == []
    assert len(history(job.change)) == 2
    answer = api("dan").post(f"/changes/{job.change_id}/confirm")
    assert (answer.status, answer.json["job"]["confirmed_by"]) == (200, "dan")
    assert line.sent == [ConfirmGiven(job.pk, NONCE, "dan")]
    assert Entry.objects.get(action="change.confirmed").by == "dan"
    with django_capture_on_commit_callbacks(execute=True):
        assert asked(job)
    assert line.sent[1:] == line.sent[:1]


@pytest.mark.parametrize("left_s", [-10.0, 0.0])
def test_it_confirms_nothing_too_late(
    left_s: float, job: Job, line: Line, api: Callable[[str], Api]
) -> None:
    asked(by_person(job))
    Job.objects.update(confirm_until=timezone.now() + timedelta(seconds=left_s))
    answer = api("dan").post(f"/changes/{job.change_id}/confirm")
    assert (answer.status, answer.problems) == (409, [("", "too-late")])
    assert line.sent == []
    assert fresh(job).confirmed_at is None


def test_it_confirms_nothing_that_the_host_did_not_ask(
    job: Job, line: Line, api: Callable[[str], Api]
) -> None:
    answer = api("dan").post(f"/changes/{by_person(job).change_id}/confirm")
    assert (answer.status, answer.problems) == (409, [("", "state")])
    assert line.sent == []
    assert not notes()


def test_it_keeps_no_confirm_that_did_not_leave(
    job: Job, line: Line, api: Callable[[str], Api]
) -> None:
    asked(by_person(job))
    line.away = True
    assert api("dan").post(f"/changes/{job.change_id}/confirm").status == 503
    assert fresh(job).confirmed_at is None
    assert not notes()


@pytest.mark.parametrize("nonce", ["", "x" * 65])
def test_it_answers_no_odd_question(nonce: str, job: Job, line: Line) -> None:
    assert not asked(job, nonce)
    assert fresh(job).confirm_nonce == ""


def test_it_answers_no_other_hosts_question(job: Job, line: Line) -> None:
    thief = host_row("thief")
    assert not confirm_asked(host=thief, ask=ConfirmAsk(job.pk, NONCE, 50.0))
    assert fresh(job).confirm_nonce == ""


def test_it_answers_nothing_once_the_job_has_ended(job: Job, line: Line) -> None:
    Job.objects.update(finished_at=timezone.now())
    assert not asked(job)


def test_it_cancels(
    job: Job, line: Line, api: Callable[[str], Api], django_capture_on_commit_callbacks: Any
) -> None:
    answer = api("dan").post(f"/changes/{job.change_id}/cancel")
    assert (answer.status, answer.json["state"]) == (200, "running")
    assert answer.json["job"]["cancel_by"] == "dan"
    assert line.sent == [CancelRequest(job.pk, "dan")]
    assert Entry.objects.get(action="change.cancelled").by == "dan"
    with django_capture_on_commit_callbacks(execute=True):
        assert not asked(job)
    assert line.sent == [CancelRequest(job.pk, "dan")]


def test_it_sends_the_cancel_again_and_notes_it_once(
    job: Job, line: Line, api: Callable[[str], Api]
) -> None:
    for name in ("dan", "alice"):
        assert api(name).post(f"/changes/{job.change_id}/cancel").status == 200
    assert line.sent == [CancelRequest(job.pk, "dan")] * 2
    assert len(notes()) == 1
    assert len(history(job.change)) == 2


def test_it_cancels_nothing_that_was_confirmed(
    job: Job, line: Line, api: Callable[[str], Api]
) -> None:
    asked(by_person(job))
    api("dan").post(f"/changes/{job.change_id}/confirm")
    line.sent.clear()
    answer = api("alice").post(f"/changes/{job.change_id}/cancel")
    assert (answer.status, answer.problems) == (409, [("", "confirmed")])
    assert line.sent == []
    assert fresh(job).cancel_asked_at is None


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("call", ["cancel", "confirm"])
def test_it_needs_a_job_under_way(
    state: State, call: str, api: Callable[[str], Api], people: dict[str, User], line: Line
) -> None:
    change = change_row(host_row("web-1"), people["alice"], state)
    answer = api("alice").post(f"/changes/{change.pk}/{call}")
    assert (answer.status, answer.problems) == (409, [("", "state")])
    assert Change.objects.get().state == state
    assert (line.sent, len(history(change))) == ([], 1)


def approved(people: dict[str, User], **fields: Any) -> Job:
    change = change_row(host_row("web-1"), people["alice"], State.APPROVED)
    return job_row(change, **fields)


def test_it_takes_a_queued_job_back(
    people: dict[str, User], line: Line, api: Callable[[str], Api]
) -> None:
    job = approved(people, dispatched_at=timezone.now())
    line.queued.add(job.pk)
    answer = api("alice").post(f"/changes/{job.change_id}/withdraw")
    assert (answer.status, answer.json["state"]) == (200, "withdrawn")
    assert fresh(job).finished_at is not None
    assert line.queued == set()
    assert not Change.objects.get().holds_host


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"dispatched_at": None}, "being-sent"),
        ({"dispatched_at": "now"}, "with-host"),
        ({"dispatched_at": "now", "last_seq": 1}, "with-host"),
    ],
)
def test_it_takes_no_job_back_that_a_host_may_have(
    fields: dict[str, Any],
    code: str,
    people: dict[str, User],
    line: Line,
    api: Callable[[str], Api],
) -> None:
    if fields["dispatched_at"]:
        fields["dispatched_at"] = timezone.now()
    job = approved(people, **fields)
    answer = api("alice").post(f"/changes/{job.change_id}/withdraw")
    assert (answer.status, answer.problems) == (409, [("", code)])
    assert fresh(job).finished_at is None
    assert Change.objects.get().state == State.APPROVED


def test_it_takes_no_job_back_while_the_broker_is_away(
    people: dict[str, User], line: Line, api: Callable[[str], Api]
) -> None:
    job = approved(people, dispatched_at=timezone.now())
    line.away = True
    assert api("alice").post(f"/changes/{job.change_id}/withdraw").status == 503
    assert Change.objects.get().state == State.APPROVED
    assert fresh(job).finished_at is None


def test_it_does_not_send_a_job_that_was_taken_back(people: dict[str, User], line: Line) -> None:
    from netops.services.jobs import job_dispatch

    job = approved(people)
    Change.objects.update(state=State.WITHDRAWN)
    assert not job_dispatch(job=job)
    assert line.sent == []


@pytest.mark.parametrize(
    ("asked_for", "problems"),
    [
        ({"confirm": "nobody"}, [("confirm", "invalid")]),
        ({"confirm_window_s": 9}, [("confirm_window_s", "out-of-range")]),
        ({"confirm_window_s": 3601}, [("confirm_window_s", "out-of-range")]),
    ],
)
def test_it_says_which_field_of_the_confirm_is_wrong(
    asked_for: dict[str, Any],
    problems: list[tuple[str, str]],
    api: Callable[[str], Api],
    line: Line,
) -> None:
    host = host_row("web-1")
    spec = {"network": "bridge", "subnet": "192.168.225.0/24"}
    body = {"host": host.name, "kind": "subnet", "spec": spec, "reason": "VPN", **asked_for}
    answer = api("alice").post("/changes", body)
    assert (answer.status, answer.problems) == (422, problems)
    assert not Change.objects.exists()
    assert line.sent == []


def test_it_keeps_who_confirms(api: Callable[[str], Api], line: Line) -> None:
    Host.objects.filter(pk=host_row("web-1").pk).update(last_seen_at=timezone.now())
    spec = {"network": "bridge", "subnet": "192.168.225.0/24"}
    body = {"host": "web-1", "kind": "subnet", "spec": spec, "reason": "VPN"}
    made = api("alice").post("/changes", {**body, "confirm": "person", "confirm_window_s": 300})
    shown = api("alice").get(f"/changes/{made.json['id']}").json
    assert (shown["confirm"], shown["confirm_window_s"]) == ("person", 300)
