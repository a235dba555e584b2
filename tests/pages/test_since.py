"""A plan held against a former one, the configuration as a diff, earlier outages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from django.test import Client

from hosts.models import Host
from netops.config_diff import config_diff
from netops.engine.observed import DaemonConfig, Observed
from netops.engine.plan import StepSpec
from netops.engine.planner import make_plan
from netops.models import Change, PlanVersion
from netops.plan_since import steps_since
from netops.services import change_replan
from netops.services.plans import plan_store
from netops.states import State
from netops.wire import PlanReport
from people.models import User
from tests.pages import world
from tests.pages.host_example import observed
from tests.pages.reading import text, text_of

Browse = Callable[[str], Client]
People = dict[str, User]


def planned(change: Change, seen: Observed) -> Change:
    """Have the change's host report the plan that it makes of what was seen there."""
    from netops.engine.desired import parse_spec

    plan = make_plan(seen, parse_spec(change.kind, change.spec), ())
    assert plan_store(host=change.host, report=PlanReport(change.pk, change.plan_round, plan))
    change.refresh_from_db()
    return change


@pytest.fixture
def change(people: People, web: Host) -> Change:
    """alice's change with its first plan."""
    return planned(world.Story(web, people["alice"]).change, observed(containers=4))


def test_it_keeps_every_plan(change: Change, people: People) -> None:
    first = change.plan
    change_replan(user=people["alice"], change=change)
    change.refresh_from_db()
    planned(change, observed(containers=3))
    versions = list(PlanVersion.objects.filter(change=change))
    assert [v.round for v in versions] == [1, 2]
    assert [v.plan for v in versions] == [first, change.plan]
    assert [v.digest for v in versions][1] == change.plan_digest


def test_it_keeps_a_plan_from_before_plans_were_kept(change: Change, people: People) -> None:
    PlanVersion.objects.all().delete()
    first = change.plan
    change_replan(user=people["alice"], change=change)
    assert PlanVersion.objects.get().plan == first


def test_it_shows_what_differs(browse: Browse, change: Change, people: People) -> None:
    page = browse("bob").get(f"/changes/{change.pk}/")
    assert "Since the plan" not in text(page)
    digest = change.plan_digest
    change.approvals.create(by=people["bob"], decision="approved", plan_digest=digest)
    change_replan(user=people["alice"], change=change)
    change.refresh_from_db()
    planned(change, observed(containers=5))
    told = text_of(browse("bob").get(f"/changes/{change.pk}/"), "since")
    assert "Since the plan that you approved" in told
    assert "plan 1 and plan 2" in told
    assert "Container app-4 is new; its addresses: 172.17.0.6" in told
    assert "(64 digits)" not in told
    assert "Findings that say something else now" in told
    assert "Before: Docker itself restarts" in told
    assert "New findings" not in told
    told = text_of(browse("carol").get(f"/changes/{change.pk}/"), "since")
    assert "Since the plan that bob approved" in told


def test_it_shows_commands_that_differ_with_little_around_them() -> None:
    old = [StepSpec("link_set", f"Step {n}", f"command {n}") for n in range(12)]
    new = [*old[:6], evolve(old[6], command="other"), *old[7:]]
    fates = [(line.fate, line.text) for line in steps_since(old, new)]
    assert fates == [
        ("left-out", "4 lines are the same"),
        ("kept", "command 4"),
        ("kept", "command 5"),
        ("removed", "command 6"),
        ("added", "other"),
        ("kept", "command 7"),
        ("kept", "command 8"),
        ("left-out", "3 lines are the same"),
    ]


def test_it_says_when_nothing_differs(browse: Browse, change: Change, people: People) -> None:
    change_replan(user=people["alice"], change=change)
    change.refresh_from_db()
    planned(change, observed(containers=4))
    told = text_of(browse("carol").get(f"/changes/{change.pk}/"), "since")
    assert "Since the plan before" in told
    assert "Nothing differs" in told


def config_of(seen: Observed, content: str | None) -> Observed:
    return evolve(seen, config=evolve(seen.config, content=content))


def plan_of(seen: Observed) -> Any:
    from netops.engine.desired import parse_spec

    return make_plan(seen, parse_spec("subnet", {"network": "bridge", "subnet": "10.9.0.0/24"}), ())


def told_lines(diff: Any) -> list[tuple[str, str]]:
    return [(line.fate, line.text.strip()) for line in diff.lines]


def test_it_shows_the_file_as_a_diff() -> None:
    content = '{\n  "live-restore": false,\n  "debug": true\n}\n'
    seen = config_of(observed(containers=1), content)
    diff = config_diff(plan_of(seen), content)
    assert diff is not None
    assert diff.whole
    lines = told_lines(diff)
    assert ("kept", '"live-restore": false,') in lines
    assert any(fate == "added" and '"bip": "10.9.0.1/24"' in line for fate, line in lines)


def test_it_shows_the_key_alone_where_the_file_is_not_known() -> None:
    seen = config_of(observed(containers=1), '{"debug": true}')
    diff = config_diff(plan_of(seen), None)
    assert diff is not None
    assert not diff.whole
    assert told_lines(diff)[-1] == ("added", '"bip": "10.9.0.1/24"')


def test_it_shows_a_file_that_will_be_made() -> None:
    seen = observed(containers=1)
    seen = evolve(seen, config=DaemonConfig(seen.config.path, None))
    diff = config_diff(plan_of(seen), None)
    assert diff is not None
    assert diff.made
    assert {line.fate for line in diff.lines} == {"added"}


def test_it_believes_a_file_only_by_its_hash(change: Change, people: People) -> None:
    other = config_of(observed(containers=4), '{"debug": true}')
    change_replan(user=people["alice"], change=change)
    change.refresh_from_db()
    planned(change, other)
    assert PlanVersion.objects.get(round=2).config_before is None


def test_it_tells_the_outages_of_earlier_changes(browse: Browse, people: People, web: Host) -> None:
    for _ in range(4):
        world.story_succeeded(web, people["alice"], people["bob"])
    waiting = world.Story(web, people["alice"]).planned().change
    told = text_of(browse("bob").get(f"/changes/{waiting.pk}/"), "outages")
    assert told.startswith("The last 3 changes of this kind on this host")
    assert waiting.state == State.AWAITING_APPROVAL
