"""The page of a NAT change: rules before and after, the packet's way, commands, revert."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from django.test import Client

from hosts.models import Host
from netops.engine.desired import parse_spec
from netops.engine.plan import StepSpec
from netops.engine.planner import make_plan
from netops.engine.serial import to_json
from netops.models import Change
from netops.nat_scenes import scene_of_plan
from netops.nat_way import ways_of
from netops.rules_diff import ADDED, KEPT, REMOVED, rules_diff
from people.models import User
from tests.pages import world
from tests.pages.host_example import observed, with_setting, without_nat
from tests.pages.reading import targets, text, text_of

Browse = Callable[[str], Client]
HOSTILE = "<script>alert(1)</script>"
SUBNET = "172.17.0.0/16"
PORT = {"protocol": "tcp", "host_port": 8443, "to": "172.17.0.3:443"}
SNAT: dict[str, Any] = {
    "subnet": SUBNET,
    "mode": "snat",
    "to_source": "198.51.100.11",
    "exclude": ["10.0.0.0/8"],
    "publish": [PORT],
}
MASQUERADE: dict[str, Any] = {"subnet": SUBNET, "mode": "masquerade"}


@pytest.fixture
def bare(people: dict[str, User]) -> Host:
    """A host on which Docker makes no rules."""
    return world.host("web-1", observed=without_nat(observed()))


def asked(host: Host, by: User, spec: dict[str, Any]) -> world.Story:
    return world.Story(host, by, spec=spec, kind="nat", reason="For the provider.").planned()


def test_it_shows_rules_and_commands_line_by_line(
    browse: Browse, people: dict[str, User], bare: Host
) -> None:
    story = asked(bare, people["alice"], SNAT)
    page = browse("bob").get(f"/changes/{story.change.pk}/")
    shown = text(page)
    step = next(s for s in story.plan.steps if s.kind == "nat_rules")
    for line in step.params["after"]:
        assert f"Added: {line}" in shown
    assert "none → SNAT" not in shown
    assert "no container is stopped" in shown
    number = story.plan.steps.index(step) + 1
    inside = page.content.decode().split(f'<code id="command-{number}">')[1].split("</code>")[0]
    # What the copy button copies is the text of the element.
    assert html.unescape(re.sub(r"<[^>]+>", "", inside)) == step.command
    assert inside.count('class="command-line"') == len(step.command.splitlines()) > 3


def test_it_tells_what_was_and_what_becomes(browse: Browse, people: dict[str, User]) -> None:
    seen = with_setting(without_nat(observed()), 12, publish=[PORT])
    story = asked(world.host("web-1", observed=seen), people["alice"], SNAT)
    shown = text(browse("carol").get(f"/changes/{story.change.pk}/"))
    assert "NAT on web-1: 172.17.0.0/16 → SNAT 198.51.100.11, 1 port" in shown
    assert "masquerade becomes SNAT 198.51.100.11" in shown
    assert "none becomes 10.0.0.0/8" in shown
    assert "tcp 8443 to 172.17.0.3:443 becomes tcp 8443 to 172.17.0.3:443" in shown
    assert "Removed: -t nat -A DOCKERNET-POSTROUTING -s 172.17.0.0/16 ! -o docker0" in shown
    assert "only the number of the change in their comment becomes this one." in shown


def test_it_keeps_what_differs_by_the_number_alone() -> None:
    seen = with_setting(without_nat(observed()), 12, publish=[PORT])
    plan = make_plan(seen, parse_spec("nat", SNAT), (), 34)
    diff = rules_diff(plan)
    assert diff is not None
    fates = {
        fate: [line.text for line in diff.lines if line.fate == fate]
        for fate in (KEPT, REMOVED, ADDED)
    }
    assert len(fates[KEPT]) == 3
    assert all("change 34" in text for text in fates[KEPT])
    [gone] = fates[REMOVED]
    assert "-j MASQUERADE" in gone
    assert any("--to-source 198.51.100.11" in line for line in fates[ADDED])
    step = next(s for s in plan.steps if s.kind == "nat_rules")
    after = [line.text for line in diff.lines if line.fate != REMOVED]
    assert after == step.params["after"]


def test_it_says_when_only_the_way_to_the_rules_is_mended(
    browse: Browse, people: dict[str, User]
) -> None:
    seen = with_setting(observed(), 12)
    first = "-A POSTROUTING -s 172.16.0.0/12 -j SNAT --to-source 198.51.100.11"
    nat = [line for line in seen.firewall.nat if not line.startswith("-A")]
    nat += [first, *(line for line in seen.firewall.nat if line.startswith("-A"))]
    shadowed = evolve(seen, firewall=evolve(seen.firewall, nat=tuple(nat)))
    story = asked(world.host("web-1", observed=shadowed), people["alice"], MASQUERADE)
    shown = text(browse("carol").get(f"/changes/{story.change.pk}/"))
    assert "Rules before and after 1 kept" in shown
    assert "No rule comes or goes" in shown


def test_it_has_no_rules_to_show_for_a_subnet_change(
    browse: Browse, people: dict[str, User], web: Host
) -> None:
    story = world.Story(web, people["alice"]).planned()
    shown = text(browse("carol").get(f"/changes/{story.change.pk}/"))
    assert "Rules before and after" not in shown
    assert "The packet's way" not in shown


def test_it_draws_the_way_after_the_change() -> None:
    plan = make_plan(without_nat(observed()), parse_spec("nat", SNAT), (), 34)
    scene = scene_of_plan(plan)
    assert scene is not None
    out, into = ways_of(scene)
    assert [hop.name for hop in out.hops] == [
        "Containers", "docker0", "POSTROUTING", "DOCKERNET-POSTROUTING", "eth0",
    ]  # fmt: skip
    assert out.hops[1].notes == ("172.17.0.1/16",)
    assert out.hops[3].rules == (
        "-s 172.17.0.0/16 -d 10.0.0.0/8 -j ACCEPT",
        "-s 172.17.0.0/16 ! -o docker0 -j SNAT --to-source 198.51.100.11",
    )
    assert "gets 198.51.100.11 as its source" in out.sentence
    assert "To 10.0.0.0/8 it keeps its own." in out.sentence
    assert [hop.name for hop in into.hops] == [
        "eth0", "PREROUTING", "DOCKERNET-PREROUTING", "docker0", "Containers",
    ]  # fmt: skip
    assert into.hops[-1].notes == ("172.17.0.3:443",)


def test_it_draws_what_is_left_when_ours_go() -> None:
    seen = with_setting(observed(), 12)
    plan = make_plan(seen, parse_spec("nat", {"subnet": SUBNET, "mode": "none"}), (), 34)
    scene = scene_of_plan(plan)
    assert scene is not None
    out, into = ways_of(scene)
    assert out.hops[2].rules == ("-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",)
    assert "by a rule that is not ours" in out.sentence
    assert into.hops == ()


def test_it_shows_both_ways_on_the_page(
    browse: Browse, people: dict[str, User], bare: Host
) -> None:
    story = asked(bare, people["alice"], SNAT)
    shown = text(browse("carol").get(f"/changes/{story.change.pk}/"))
    assert "The packet's way, after the change" in shown
    assert "One port leads to 172.17.0.0/16, by Dockernet." in shown


def test_it_shows_no_way_for_a_blocked_plan(
    browse: Browse, people: dict[str, User], bare: Host
) -> None:
    story = asked(bare, people["alice"], SNAT | {"to_source": "203.0.113.9"})
    shown = text(browse("carol").get(f"/changes/{story.change.pk}/"))
    assert "source-not-on-host" in shown
    assert "The packet's way" not in shown


def test_it_escapes_what_a_plan_says(browse: Browse, people: dict[str, User], bare: Host) -> None:
    story = asked(bare, people["alice"], SNAT)
    plan = story.plan
    line = f"-t nat -A DOCKERNET-POSTROUTING -s {SUBNET} {HOSTILE}"
    params = {"before": [HOSTILE], "after": [line], "setting": None}
    evil = StepSpec("nat_rules", HOSTILE, f"one {HOSTILE}\ntwo {HOSTILE}", params)
    network = {"bridge": HOSTILE, "subnets": [SUBNET]}
    basis = plan.basis | {"networks": {HOSTILE: network}, "addresses": {HOSTILE: [HOSTILE]}}
    told = to_json(evolve(plan, steps=(evil,), basis=basis))
    Change.objects.filter(pk=story.change.pk).update(plan=told)
    page = browse("carol").get(f"/changes/{story.change.pk}/")
    assert HOSTILE not in page.content.decode()
    assert text(page).count(HOSTILE) >= 5


@pytest.mark.parametrize(
    ("params", "basis"),
    [
        ({}, {}),
        ({"before": None, "after": 5, "setting": "x"}, {"networks": [], "addresses": 3}),
        ({"after": [None]}, {"settings": {SUBNET: 7}, "rules": "x", "networks": {"a": 1}}),
    ],
)
def test_it_shows_a_plan_of_any_shape(
    browse: Browse, people: dict[str, User], bare: Host, params: Any, basis: Any
) -> None:
    story = asked(bare, people["alice"], SNAT)
    step = StepSpec("nat_rules", "Set our rules", "", params)
    told = to_json(evolve(story.plan, steps=(step,), basis=basis))
    Change.objects.filter(pk=story.change.pk).update(plan=told)
    assert browse("carol").get(f"/changes/{story.change.pk}/").status_code == 200


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (without_nat(observed()), {"subnet": SUBNET, "mode": "none"}),
        (
            with_setting(without_nat(observed()), 12, publish=[PORT]),
            parse_spec("nat", MASQUERADE | {"publish": [PORT]}).to_spec(),
        ),
    ],
)
def test_it_asks_for_the_former_setting(
    browse: Browse, people: dict[str, User], before: Any, wanted: dict[str, Any]
) -> None:
    web = world.host("web-1", observed=before)
    fields: dict[str, Any] = {"spec": SNAT, "kind": "nat"}
    change = world.story_succeeded(web, people["alice"], people["bob"], **fields)
    page = browse("alice").get(f"/changes/{change.pk}/")
    assert "Services were away" not in text(page)
    assert "none expected" in text(page)
    assert f"/changes/{change.pk}/revert/" in targets(page)
    browse("alice").post(f"/changes/{change.pk}/revert/")
    back = Change.objects.get(reverts=change)
    assert (back.kind, back.spec) == ("nat", wanted)


def test_it_finds_changes_by_kind(browse: Browse, people: dict[str, User], bare: Host) -> None:
    asked(bare, people["alice"], SNAT)
    world.Story(world.host("web-2"), people["alice"]).planned()
    client = browse("carol")
    rows = text_of(client.get("/changes/?kind=nat"), "change-rows")
    assert "172.17.0.0/16 → SNAT 198.51.100.11, 1 port" in rows
    assert "docker0" not in rows
    assert "SNAT" not in text_of(client.get("/changes/?kind=subnet"), "change-rows")
    assert "NAT of a subnet" in text(client.get("/changes/"))
    assert "SNAT 198.51.100.11" in text(client.get("/hosts/web-1/"))


@pytest.mark.parametrize(
    ("spec", "heading"),
    [
        ({"subnet": SUBNET, "mode": "none"}, "Remove our NAT rules for 172.17.0.0/16 on web-1"),
        (MASQUERADE, "NAT on web-1: 172.17.0.0/16 → masquerade"),
        (MASQUERADE | {"out_interface": "eth0"}, "→ masquerade by eth0"),
        (
            {"subnet": SUBNET, "mode": "none", "publish": [PORT, PORT | {"protocol": "udp"}]},
            "NAT on web-1: 172.17.0.0/16 → no NAT of ours, 2 ports",
        ),
    ],
)
def test_it_names_what_is_asked(
    browse: Browse, people: dict[str, User], bare: Host, spec: dict[str, Any], heading: str
) -> None:
    story = world.Story(bare, people["alice"], spec=spec, kind="nat")
    assert heading in text(browse("carol").get(f"/changes/{story.change.pk}/"))
