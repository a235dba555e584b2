"""When changes are frozen, until when, and what that stops. No broker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from audit.models import Entry
from netops.models import Approval, Change, Job
from netops.services import change_approve, change_request
from netops.states import State
from people.errors import Conflict, Forbidden, InvalidInput
from people.models import User
from policies.freeze import frozen_at, weekly_end
from policies.models import FreezeWindow, WeeklyFreeze
from policies.selectors import frozen_now
from policies.services import (
    freeze_add,
    freeze_remove,
    policy_save,
    weekly_freeze_add,
    weekly_freeze_remove,
)
from tests.site.api_client import Api
from tests.site.rows import SPEC, change_row, history, host_row

pytestmark = pytest.mark.django_db
People = dict[str, User]
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(start: str, end: str, reason: str = "x") -> FreezeWindow:
    return FreezeWindow(starts_at=at(start), ends_at=at(end), reason=reason)


def weekend(zone: str = "Europe/Berlin", **fields: Any) -> WeeklyFreeze:
    """Friday 16:00 to Monday 08:00."""
    values = {"from_weekday": 4, "from_time": time(16), "to_weekday": 0, "to_time": time(8)}
    return WeeklyFreeze(**{**values, "time_zone": zone, "reason": "weekend", **fields})


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-11-27T14:59:59", None),
        ("2026-11-27T15:00:00", "2026-11-30T07:00:00"),
        ("2026-11-29T23:30:00", "2026-11-30T07:00:00"),
        ("2026-11-30T06:59:59", "2026-11-30T07:00:00"),
        ("2026-11-30T07:00:00", None),
        # Summer: Berlin is two hours before UTC.
        ("2026-07-03T13:59:59", None),
        ("2026-07-03T14:00:00", "2026-07-06T06:00:00"),
        # Clocks go back on Sunday, 25 October 2026, so that this one is an hour longer.
        ("2026-10-23T14:00:00", "2026-10-26T07:00:00"),
        ("2026-10-26T06:30:00", "2026-10-26T07:00:00"),
        # Clocks go forward on Sunday, 29 March 2026.
        ("2026-03-27T15:00:00", "2026-03-30T06:00:00"),
    ],
)
def test_it_knows_the_week_by_the_clocks_of_its_zone(moment: str, end: str | None) -> None:
    assert weekly_end(weekend(), at(moment)) == (at(end) if end else None)


def test_it_knows_a_freeze_within_a_day_and_one_of_nearly_a_week() -> None:
    night = weekend("UTC", from_weekday=2, from_time=time(1), to_weekday=2, to_time=time(5))
    assert weekly_end(night, at("2026-11-25T04:59:00")) == at("2026-11-25T05:00:00")
    assert weekly_end(night, at("2026-11-25T05:00:00")) is None
    rest = weekend("UTC", from_weekday=2, from_time=time(5), to_weekday=2, to_time=time(1))
    assert weekly_end(rest, at("2026-11-25T05:00:00")) == at("2026-12-02T01:00:00")
    assert weekly_end(rest, at("2026-12-02T00:59:00")) == at("2026-12-02T01:00:00")
    assert weekly_end(rest, at("2026-12-02T01:00:00")) is None


def test_it_tells_freezes_that_meet_as_one() -> None:
    windows = [
        window("2026-11-25T08:00:00", "2026-11-25T10:00:00", "first"),
        window("2026-11-25T10:00:00", "2026-11-27T16:00:00", "second"),
        window("2026-11-25T09:00:00", "2026-11-25T09:30:00", "inside"),
    ]
    held = frozen_at(at("2026-11-25T09:10:00"), windows, [weekend()])
    assert held is not None
    assert (held.until, held.reason) == (at("2026-11-30T07:00:00"), "first")
    assert "frozen until 2026-11-30 07:00 UTC (first)" in held.sentence
    assert frozen_at(at("2026-11-25T07:59:59"), windows, [weekend()]) is None
    assert frozen_at(at("2026-11-30T07:00:00"), windows, [weekend()]) is None


def test_it_ends_when_weekly_freezes_leave_no_gap() -> None:
    other = weekend(from_weekday=0, from_time=time(8), to_weekday=4, to_time=time(16))
    held = frozen_at(at("2026-11-25T09:10:00"), [], [weekend(), other])
    assert held is not None
    assert held.until > at("2027-01-25T00:00:00")


@pytest.fixture
def waiting(people: People) -> Change:
    """alice's change on a production host, which waits for approval."""
    host = host_row("web-1", environment="production")
    return change_row(host, people["alice"], State.AWAITING_APPROVAL)


def freeze(people: People, **fields: Any) -> FreezeWindow:
    now = timezone.now()
    values = {"starts_at": now - HOUR, "ends_at": now + HOUR, "reason": "Christmas"}
    return freeze_add(user=people["admin"], **{**values, **fields})


@pytest.mark.parametrize("where", [{"environment": "production"}, {"everywhere": True}])
def test_it_carries_nothing_out_during_a_freeze(
    where: dict[str, Any], api: Callable[[str], Api], people: People, waiting: Change
) -> None:
    held = freeze(people, **where)
    body = {"plan_digest": waiting.plan_digest}
    answer = api("bob").post(f"/changes/{waiting.pk}/approve", body)
    assert (answer.status, answer.problems) == (409, [("", "frozen")])
    message = answer.json["errors"][0]["message"]
    assert f"until {held.ends_at:%Y-%m-%d %H:%M} UTC (Christmas)" in message
    waiting.refresh_from_db()
    assert waiting.state == State.AWAITING_APPROVAL
    assert history(waiting) == [(1, "state", "planning")]
    assert not Approval.objects.exists()
    assert not Job.objects.exists()
    assert freeze_remove(user=people["admin"], pk=held.pk)
    assert api("bob").post(f"/changes/{waiting.pk}/approve", body).status == 200


def test_it_stops_only_the_last_approval(people: People, waiting: Change) -> None:
    policy_save(user=people["admin"], environment="production", approvals_needed=2)
    freeze(people, environment="production")
    digest = waiting.plan_digest
    change_approve(user=people["bob"], change=waiting, plan_digest=digest)
    with pytest.raises(Conflict):
        change_approve(user=people["erin"], change=waiting, plan_digest=digest)
    assert [a.by for a in Approval.objects.all()] == [people["bob"]]
    assert not Job.objects.exists()


def test_it_takes_requests_and_rejections_during_a_freeze(
    api: Callable[[str], Api], people: People, waiting: Change
) -> None:
    freeze(people, everywhere=True)
    host = host_row("web-2")
    change = change_request(user=people["dan"], host=host, kind="subnet", spec=SPEC, reason="x")
    assert change.state == State.PLANNING
    answer = api("bob").post(f"/changes/{waiting.pk}/reject", {"comment": "No."})
    assert (answer.status, answer.json["state"]) == (200, "rejected")


@pytest.mark.parametrize(
    "fields",
    [
        {"environment": "staging"},
        {"environment": ""},
        {
            "everywhere": True,
            "starts_at": timezone.now() + HOUR,
            "ends_at": timezone.now() + 2 * HOUR,
        },
        {"everywhere": True, "starts_at": timezone.now() - 2 * HOUR, "ends_at": timezone.now()},
    ],
)
def test_it_freezes_neither_other_environments_nor_other_times(
    fields: dict[str, Any], people: People, waiting: Change
) -> None:
    freeze(people, **fields)
    assert frozen_now(host=waiting.host) is None
    digest = waiting.plan_digest
    done = change_approve(user=people["bob"], change=waiting, plan_digest=digest)
    assert done.state == State.APPROVED


def test_it_freezes_by_the_week(people: People, waiting: Change) -> None:
    weekly = weekly_freeze_add(
        user=people["admin"],
        from_weekday=4,
        from_time=time(16),
        to_weekday=0,
        to_time=time(8),
        time_zone="Asia/Seoul",
        reason="Weekend",
        environment="production",
    )
    held = frozen_now(host=waiting.host, at=at("2026-11-28T00:00:00"))
    assert held is not None
    assert held.until == at("2026-11-29T23:00:00")
    assert frozen_now(host=host_row("x"), at=at("2026-11-28T00:00:00")) is None
    assert weekly_freeze_remove(user=people["admin"], pk=weekly.pk)
    assert not weekly_freeze_remove(user=people["admin"], pk=weekly.pk)
    assert [
        (e.action, e.by) for e in Entry.objects.filter(action__startswith="freeze.").order_by("pk")
    ] == [
        ("freeze.added", "admin"),
        ("freeze.removed", "admin"),
    ]
    assert (
        "Friday 16:00 to Monday 08:00 (Asia/Seoul)"
        in Entry.objects.filter(action__startswith="freeze.").order_by("pk")[0].message
    )


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"ends_at": timezone.now() - 2 * HOUR}, "ends_at"),
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 201}, "reason"),
        ({"reason": "x\x00"}, "reason"),
        ({"environment": "x" * 64}, "environment"),
        ({"environment": "lab", "everywhere": True}, "environment"),
    ],
)
def test_it_refuses_a_bad_window(fields: dict[str, Any], field: str, people: People) -> None:
    with pytest.raises(InvalidInput) as refused:
        freeze(people, **fields)
    assert refused.value.field == field
    assert not FreezeWindow.objects.exists()
    assert not Entry.objects.filter(action__startswith="freeze.").exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"time_zone": "x\x00"}, "time_zone"),
        ({"to_weekday": 7}, "to_weekday"),
        ({"to_weekday": 4, "to_time": time(16)}, "to_time"),
    ],
)
def test_it_refuses_a_bad_week(fields: dict[str, Any], field: str, people: People) -> None:
    values = {"from_weekday": 4, "from_time": time(16), "to_weekday": 0, "to_time": time(8)}
    values |= {"time_zone": "UTC", "reason": "x"}
    with pytest.raises(InvalidInput) as refused:
        weekly_freeze_add(user=people["admin"], **{**values, **fields})
    assert refused.value.field == field
    assert not WeeklyFreeze.objects.exists()


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_it_lets_admins_alone_freeze(name: str, people: People) -> None:
    held = freeze(people)
    now = timezone.now()
    with pytest.raises(Forbidden):
        freeze_add(user=people[name], starts_at=now, ends_at=now + HOUR, reason="x")
    with pytest.raises(Forbidden):
        freeze_remove(user=people[name], pk=held.pk)
    assert FreezeWindow.objects.get() == held


def test_the_record_is_in_english_whatever_language_the_person_reads(db: None) -> None:
    admin = User.objects.create_user("root", role="admin")
    with translation.override("ko"):
        weekly_freeze_add(
            user=admin,
            from_weekday=4,
            from_time=time(16),
            to_weekday=0,
            to_time=time(8),
            time_zone="Asia/Seoul",
            reason="Weekend",
            everywhere=True,
        )
    noted = Entry.objects.get(action="freeze.added").message
    assert noted == (
        "root froze all environments every week from Friday 16:00 to Monday 08:00 (Asia/Seoul): "
        "Weekend."
    )
