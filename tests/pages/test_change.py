"""The page of a change: plan, review, record."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network

import pytest
from attrs import evolve
from django.test import Client

from hosts.models import Host
from netops.models import Approval, Change, Job
from netops.services import change_withdraw
from netops.states import State
from people.models import User
from tests.pages import world
from tests.pages.host_example import container, observed
from tests.pages.reading import fields, tags, targets, text, text_of

Browse = Callable[[str], Client]
People = dict[str, User]
HX = {"HX-Request": "true"}
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def waiting(people: People, web: Host) -> Change:
    """alice's change, which waits for approval."""
    return world.Story(web, people["alice"]).planned().change


def test_it_shows_the_whole_plan(browse: Browse, waiting: Change) -> None:
    page = browse("bob").get(f"/changes/{waiting.pk}/")
    told = text(page)
    plan = waiting.current_plan
    assert plan is not None
    for number, step in enumerate(plan.steps, 1):
        assert step.title in told
        assert text_of(page, f"command-{number}") == " ".join(step.command.split())
    for finding in plan.findings:
        assert finding.message in told
    for move in plan.containers:
        assert f"{move.name} {move.from_} {move.to}" in told
    for words in (
        "172.17.0.0/16 becomes 192.168.225.0/24",
        "172.17.0.1/16 becomes 192.168.225.1/24",
        "two containers may swap theirs",
        "The VPN of the Seoul office uses 172.17.0.0/16.",
        "Awaiting approval",
        plan.digest,
    ):
        assert words in told


def test_it_lets_an_approver_approve_the_plan_that_was_shown(
    browse: Browse, waiting: Change
) -> None:
    client, address = browse("bob"), f"/changes/{waiting.pk}/"
    form = fields(client.get(address))
    sent = {"plan_digest": form["plan_digest"], "comment": "Go ahead."}
    assert client.post(f"{address}approve/", sent)["Location"] == address
    waiting.refresh_from_db()
    assert waiting.state == State.APPROVED
    told = text(client.get(address))
    assert "bob approved" in told
    assert "Go ahead." in told
    assert f"{address}approve/" not in targets(client.get(address))


def test_it_offers_nobody_their_own_approval(browse: Browse, people: People, web: Host) -> None:
    change = world.Story(web, people["dan"]).planned().change
    client, address = browse("dan"), f"/changes/{change.pk}/"
    page = client.get(address)
    assert "somebody else has to judge it" in text(page)
    assert f"{address}approve/" not in targets(page)
    for action in ("approve", "reject"):
        sent = {"plan_digest": change.plan_digest, "comment": "mine"}
        answer = client.post(f"{address}{action}/", sent)
        assert answer.status_code == 403
        assert "Nobody judges their own change." in text(answer)
    change.refresh_from_db()
    assert change.state == State.AWAITING_APPROVAL
    assert not Approval.objects.exists()
    assert not Job.objects.exists()


def test_it_tells_an_operator_why_not(browse: Browse, people: People, waiting: Change) -> None:
    page = browse("carol").get(f"/changes/{waiting.pk}/")
    assert "Your role (viewer) does not judge changes." in text(page)


def test_it_refuses_a_plan_that_was_not_shown_and_keeps_the_comment(
    browse: Browse, waiting: Change
) -> None:
    sent = {"plan_digest": "0" * 64, "comment": "Looks fine to me"}
    for headers, status in (({}, 409), (HX, 200)):
        address = f"/changes/{waiting.pk}/approve/"
        answer = browse("bob").post(address, sent, headers=headers)
        assert answer.status_code == status
        assert "not the one that you read" in text(answer)
        assert text_of(answer, "comment") == "Looks fine to me"
    waiting.refresh_from_db()
    assert waiting.state == State.AWAITING_APPROVAL
    assert not Approval.objects.exists()


def test_it_wants_a_reason_for_a_rejection(browse: Browse, waiting: Change) -> None:
    client, address = browse("bob"), f"/changes/{waiting.pk}/"
    empty = client.post(f"{address}reject/", {"comment": "  "})
    assert empty.status_code == 422
    assert text_of(empty, "comment_error") == "Say why you reject it."
    waiting.refresh_from_db()
    assert waiting.state == State.AWAITING_APPROVAL
    client.post(f"{address}reject/", {"comment": "Not on a Friday."})
    told = text(client.get(address))
    assert "Rejected by bob. Not on a Friday." in told


def test_it_withdraws_for_the_requester_alone(browse: Browse, waiting: Change) -> None:
    address = f"/changes/{waiting.pk}/withdraw/"
    assert address not in targets(browse("bob").get(f"/changes/{waiting.pk}/"))
    assert browse("bob").post(address).status_code == 403
    waiting.refresh_from_db()
    assert waiting.state == State.AWAITING_APPROVAL
    assert browse("alice").post(address).status_code == 302
    waiting.refresh_from_db()
    assert waiting.state == State.WITHDRAWN


def test_it_asks_for_a_new_plan(browse: Browse, waiting: Change) -> None:
    browse("alice").post(f"/changes/{waiting.pk}/replan/")
    waiting.refresh_from_db()
    assert (waiting.state, waiting.plan_round, waiting.plan) == (State.PLANNING, 2, None)
    assert "is making the plan" in text(browse("alice").get(f"/changes/{waiting.pk}/"))


@pytest.fixture
def blocked(people: People) -> Change:
    """alice's change, blocked by a container with --rm."""
    seen = observed(containers=2)
    job = container(5, IPv4Network("172.17.0.0/16"), "job", auto_remove=True)
    host = world.host("web-1", observed=evolve(seen, containers=(*seen.containers, job)))
    return world.Story(host, people["alice"]).planned().change


def test_it_says_what_blocks_and_what_to_do(browse: Browse, blocked: Change) -> None:
    page = browse("alice").get(f"/changes/{blocked.pk}/")
    assert "This cannot be carried out as asked." in text(page)
    assert "removes-container" in text(page)
    wanted = {f"/changes/{blocked.pk}/accept/", f"/changes/new/?from={blocked.pk}"}
    assert wanted <= targets(page)


def test_it_leads_to_the_form_while_a_risk_alone_is_not_what_blocks(
    browse: Browse, blocked: Change, people: People
) -> None:
    def look(change: Change) -> dict[str, str]:
        page = browse("alice").get(f"/changes/{change.pk}/")
        assert "An approval holds for this very plan alone." not in text(page)
        return {a["id"]: a["class"] for a in tags(page, "a") if "id" in a and "class" in a}

    assert look(blocked)["again"] == "btn"
    more = world.Story(blocked.host, people["alice"])
    change = more.planned(((IPv4Network("192.168.224.0/20"), "Offices"),)).change
    assert look(change)["again"] == "btn btn-primary"
    assert "repeat" not in look(change)
    page = text(browse("alice").get(f"/changes/{change.pk}/"))
    assert "The other findings would block it again" in page


def test_it_gives_no_advice_when_it_is_over(browse: Browse, people: People, web: Host) -> None:
    waiting = world.Story(web, people["alice"]).planned().change
    said = "What to do: Choose a time when their services may be away."
    assert said in text(browse("bob").get(f"/changes/{waiting.pk}/"))
    change_withdraw(user=people["alice"], change=waiting)
    assert "What to do:" not in text(browse("bob").get(f"/changes/{waiting.pk}/"))


def test_it_accepts_a_risk_as_a_new_change(browse: Browse, blocked: Change) -> None:
    address = f"/changes/{blocked.pk}/accept/"
    answer = browse("alice").post(address, {"accept": "removes-container"})
    again = Change.objects.latest("pk")
    assert answer["Location"] == f"/changes/{again.pk}/"
    assert again.spec == {**blocked.spec, "accept": ["removes-container"]}
    assert (again.state, again.reason) == (State.PLANNING, blocked.reason)
    blocked.refresh_from_db()
    assert blocked.state == State.WITHDRAWN
    assert blocked.spec["accept"] == []


@pytest.mark.parametrize("sent", [{}, {"accept": "no-change"}])
def test_it_accepts_nothing_else(browse: Browse, blocked: Change, sent: dict[str, str]) -> None:
    answer = browse("alice").post(f"/changes/{blocked.pk}/accept/", sent)
    assert answer.status_code == 422
    blocked.refresh_from_db()
    assert blocked.state == State.BLOCKED
    assert Change.objects.count() == 1


def test_it_keeps_the_record_of_a_success(browse: Browse, people: People, web: Host) -> None:
    change = world.story_succeeded(web, people["alice"], people["bob"])
    page = browse("carol").get(f"/changes/{change.pk}/")
    told = text(page)
    for words in (
        "Services were away for 2.1 s; 2 s had been expected.",
        "app-0 172.17.0.2 192.168.225.2 192.168.225.3 differs",
        "All that ran runs again, after 2.1 s.",
        "bob approved",
        "Looks right, go ahead.",
    ):
        assert words in told
    assert not [named for named in tags(page, "div") if "sse-connect" in named]


def test_it_reverts_as_a_new_change(browse: Browse, people: People) -> None:
    web = world.host("web-1")
    world.observation(web, "First observation.")
    change = world.story_succeeded(web, people["alice"], people["bob"])
    answer = browse("alice").post(f"/changes/{change.pk}/revert/", follow=True)
    back = Change.objects.latest("pk")
    assert back.reverts == change
    assert back.spec["subnet"] == "172.17.0.0/16"
    assert f"undoes #{change.pk}" in text(answer)


def test_it_says_how_a_rollback_went(browse: Browse, people: People, web: Host) -> None:
    change = world.story_rolled_back(web, people["alice"], people["bob"])
    told = text(browse("carol").get(f"/changes/{change.pk}/"))
    assert "web-1 is as it was." in told
    assert "Step 14 failed (shop-worker has no address" in told
    assert "Step 14: failed" in told
    # Validated, held the range, started, forgot connections, read back: nothing to take back.
    for number in range(1, 14):
        word = "done" if number in (3, 10, 11, 12, 13) else "undone"
        assert f"Step {number}: {word} " in told


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.STALE, "no longer what the plan was made from, so nothing was touched"),
        (State.FAILED, "A person is needed on web-1."),
        (State.UNKNOWN, "was lost in the middle of the job"),
        (State.EXPIRED, "has expired"),
    ],
)
def test_it_explains_each_end(
    browse: Browse, people: People, web: Host, state: State, words: str
) -> None:
    told = world.Story(web, people["alice"]).planned().judged(people["bob"]).began()
    told.tell("state", "x", data={"state": str(state), "differences": ["Route A is new."]})
    told.enter(state, "It ended so.", end=state != State.UNKNOWN)
    page = text(browse("carol").get(f"/changes/{told.change.pk}/"))
    assert words in page
    assert ("Route A is new." in page) == (state == State.STALE)


def test_it_says_why_there_is_no_plan(browse: Browse, people: People, web: Host) -> None:
    told = world.Story(web, people["alice"])
    Change.objects.update(plan_error=f"Docker does not answer. {HOSTILE}")
    told.enter(State.BLOCKED, "No plan.", end=True)
    page = browse("carol").get(f"/changes/{told.change.pk}/")
    assert f"Docker does not answer. {HOSTILE}" in text(page)
    assert HOSTILE not in page.content.decode()


def test_it_escapes_what_hosts_and_people_say(browse: Browse, people: People) -> None:
    one = container(0, IPv4Network("172.17.0.0/16"), HOSTILE)
    host = world.host("web-1", observed=evolve(observed(containers=0), containers=(one,)))
    told = world.Story(host, people["alice"], reason=HOSTILE).planned()
    told.judged(people["bob"], comment=HOSTILE).began().did(3, f"{HOSTILE}\n</pre>{HOSTILE}")
    told.tell("step_started", "x", step=4)
    told.tell("step_failed", HOSTILE, step=4)
    told.tell("rollback_started", HOSTILE)
    told.ended(State.FAILED, HOSTILE)
    page = browse("carol").get(f"/changes/{told.change.pk}/")
    assert HOSTILE not in page.content.decode()
    assert "</pre><img" not in page.content.decode()
    assert text(page).count(HOSTILE) >= 6
    assert HOSTILE not in browse("carol").get("/changes/").content.decode()


def test_it_gives_htmx_the_part_alone(browse: Browse, waiting: Change) -> None:
    part = browse("carol").get(f"/changes/{waiting.pk}/", headers=HX).content.decode()
    assert part.lstrip().startswith('<div id="change"')
    assert f"after={waiting.last_seq}" in part


def test_it_hears_of_a_new_plan_that_a_colleague_asks_for(browse: Browse, blocked: Change) -> None:
    reader, address = browse("carol"), f"/changes/{blocked.pk}/"
    page = reader.get(address)
    (poll,) = [
        named["hx-get"] for named in tags(page, "div") if "every" in named.get("hx-trigger", "")
    ]
    assert poll.startswith(address)
    for _ in range(2):
        answer = reader.get(poll, headers=HX)
        assert (answer.status_code, answer.content) == (204, b"")
    browse("alice").post(f"{address}replan/")
    news = reader.get(poll, headers=HX)
    assert "is making the plan" in text(news)
    named = tags(news, "div")
    assert [n for n in named if "sse-connect" in n]
    assert not [n for n in named if "every" in n.get("hx-trigger", "")]
    assert reader.get(poll).status_code == 200


@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_it_does_not_look_again_where_nothing_can_follow(
    browse: Browse, people: People, web: Host, decision: str
) -> None:
    told = world.Story(web, people["alice"]).planned().judged(people["bob"], decision, "So be it.")
    if decision == "approved":
        told.began().ended(State.SUCCEEDED, "Done.")
    page = browse("carol").get(f"/changes/{told.change.pk}/")
    assert not [n for n in tags(page, "div") if "every" in n.get("hx-trigger", "")]


def test_it_lists_changes_and_narrows_them(browse: Browse, people: People, web: Host) -> None:
    other = world.host("db-1")
    first = world.story_succeeded(web, people["alice"], people["bob"])
    second = world.Story(other, people["dan"]).planned().change
    expected = {
        "": {first.pk, second.pk},
        "?host=db-1": {second.pk},
        "?state=succeeded": {first.pk},
        "?requester=dan": {second.pk},
        "?kind=subnet&host=web-1": {first.pk},
        "?kind=other": set(),
        "?state=nonsense": set(),
    }
    for query, wanted in expected.items():
        found = targets(browse("carol").get(f"/changes/{query}"))
        numbers = {p.split("/")[2] for p in found if p.startswith("/changes/")}
        assert {int(n) for n in numbers if n.isdecimal()} == wanted, query


def test_it_says_what_a_change_is_before_there_is_one(browse: Browse) -> None:
    assert "No changes yet" in text(browse("alice").get("/changes/"))
