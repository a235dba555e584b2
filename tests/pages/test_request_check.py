"""The form that asks for a change checks what is typed, before a plan exists."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Interface
from typing import Any

import pytest
from attrs import evolve
from django.test import Client

from hosts.models import Host
from netops.models import Change
from netops.request_check import check_of
from people.models import User
from tests.pages import world
from tests.pages.host_example import observed
from tests.pages.reading import fields, targets, text, text_of

Browse = Callable[[str], Client]
NEW, CHECK = "/changes/new/", "/changes/new/check/"


def check(browse: Browse, **query: str) -> str:
    """What the check says, as a fragment."""
    answer = browse("alice").get(CHECK, {"kind": "subnet", "host": "web-1", **query})
    assert answer.status_code == 200
    assert answer.content.decode().lstrip().startswith("<section")
    return text(answer)


def test_it_says_what_a_good_request_would_do(
    browse: Browse, people: dict[str, User], web: Host
) -> None:
    world.story_succeeded(web, people["alice"], people["bob"])
    said = check(browse, subnet="192.168.9.0/24")
    assert "Nothing speaks against it so far" in said
    assert "Address of docker0 172.17.0.1/16" in said
    assert "Docker restarts, and all 4 running containers with it" in said
    assert "4 containers on docker0 get new addresses." in said
    assert "192.168.9.0/24 has room for 253 containers; 4 are on docker0 now." in said
    assert "app-3 has no restart policy; Dockernet starts it again." in said
    assert "2 published ports are published again" in said
    assert "about " in said
    assert "The last change of this kind on this host took them away for 2.1 s." in said
    assert "As of the last report of web-1" in said
    assert "The host itself decides" in said
    assert Change.objects.count() == 1


@pytest.mark.parametrize(
    ("subnet", "code"),
    [
        ("172.18.4.0/24", "overlaps-docker-network"),
        ("198.51.100.0/25", "overlaps-host-address"),
        ("10.8.3.0/24", "overlaps-route"),
        ("10.200.0.0/24", "overlaps-reserved"),
        ("192.168.9.0/30", "too-small"),
        ("172.17.0.0/16", "no-change"),
    ],
)
def test_it_finds_what_the_host_would_refuse(
    browse: Browse, web: Host, subnet: str, code: str
) -> None:
    world.reserved("10.200.0.0/16", "VPN")
    said = check(browse, subnet=subnet)
    assert "web-1 would refuse this" in said
    assert code in said
    assert "What it would do" not in said


def test_it_offers_the_next_free_range_in_place_of_one_in_use(browse: Browse, web: Host) -> None:
    answer = browse("alice").get(CHECK, {"host": "web-1", "subnet": "10.8.3.0/24"})
    said = text(answer)
    assert "Next free of that size: 192.168.0.0/24 Use 192.168.0.0/24" in said
    assert said.index("overlaps-route") < said.index("Address of docker0")


def test_it_offers_no_risk_while_another_finding_forbids_it(browse: Browse, web: Host) -> None:
    world.reserved("10.8.0.0/16", "VPN")
    said = check(browse, subnet="10.8.3.0/24")
    assert "overlaps-reserved" in said
    assert "overlaps-route" in said
    assert "You can accept this risk above." not in said


def test_it_says_which_port_would_lead_nowhere(browse: Browse, web: Host) -> None:
    def asked(publish: str) -> str:
        query = {"kind": "nat", "host": "web-1", "subnet": "172.17.0.0/16", "mode": "masquerade"}
        return text(browse("alice").get(CHECK, {**query, "publish": publish}))

    assert "No container has" not in asked("tcp 18080 172.17.0.2:80")
    said = asked("tcp 18080 172.17.0.2:80\ntcp 18081 172.17.0.99:80\nudp 18053 172.17.0.99:53")
    assert "Possible, but read this first" in said
    nowhere = "No container has 172.17.0.99 now: ports 18081/tcp, 18053/udp lead nowhere until"
    assert nowhere in said
    assert "No container has 172.17.0.2 " not in said
    # Of an address that no container can ever have, the host's own finding is enough.
    assert "No container has" not in asked("tcp 18081 172.18.0.99:80")


def test_it_says_that_another_change_holds_the_host(
    browse: Browse, people: dict[str, User], web: Host
) -> None:
    held = world.Story(web, people["alice"]).planned().change
    query = {"kind": "subnet", "host": "web-1", "subnet": "192.168.9.0/24"}
    for answer in (browse("alice").get(CHECK, query), browse("alice").get(NEW, query)):
        said = text_of(answer, "request-busy")
        assert said.startswith(f"Not now. Change {held.pk} (awaiting approval) is open on web-1")
        assert f"/changes/{held.pk}/" in targets(answer)
        assert "Possible" not in text(answer)
        assert "Not now, but this is what it would do" in text(answer)
    free = browse("alice").get(CHECK, {**query, "host": "web-2"})
    assert text_of(free, "request-busy") == ""


def test_it_says_which_risk_can_be_accepted(browse: Browse, web: Host) -> None:
    assert "You can accept this risk above." in check(browse, subnet="10.8.3.0/24")
    said = browse("alice").get(
        CHECK, {"host": "web-1", "subnet": "10.8.3.0/24", "accept": ["overlaps-route"]}
    )
    assert "Possible, but read this first" in text(said)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"subnet": "192.168.9.7/24"}, "Use 192.168.9.0/24"),
        ({"subnet": "192.168.9.7"}, "Use 192.168.9.0/24"),
        ({"subnet": "192.168.9.0/255.255.254.0"}, "Use 192.168.8.0/23"),
        ({"subnet": "x"}, "is not an IPv4 network"),
        ({"subnet": "192.168.9.0/99"}, "A prefix length is a number from 0 to 32, not 99."),
        ({"kind": "nat", "subnet": "172.17.0.0/16", "publish": "\n8080:80"}, "Line 2: Write it"),
        ({"subnet": "192.168.9.0/24", "gateway": "10.0.0.1"}, "is not in 192.168.9.0/24"),
        ({"subnet": "9.9.9.0/24"}, "public-range"),
        ({"subnet": ""}, "web-1 now"),
        ({"host": "nobody", "subnet": ""}, "There is no host “nobody”."),
        ({"host": "", "subnet": "9.9.9.0/24"}, "public-range"),
        ({"host": "", "subnet": "10.200.1.0/24"}, "This would be refused"),
        ({"subnet": "<b>x</b>"}, "This cannot be asked for yet"),
        ({"subnet": "1" * 400}, "This cannot be asked for yet"),
        ({"subnet": "\x00"}, "This cannot be asked for yet"),
        ({"kind": "nat", "subnet": "172.17.0.0/16", "mode": "masquerade"}, "Docker keeps running"),
        ({"kind": "nat", "subnet": "172.17.0.0/16", "mode": "snat"}, "cannot be asked for yet"),
        ({"kind": "nat", "subnet": "10.77.0.0/16", "mode": "none"}, "would refuse this"),
    ],
)
def test_it_answers_whatever_is_typed(
    browse: Browse, web: Host, query: dict[str, str], said: str
) -> None:
    world.reserved("10.200.0.0/16", "VPN")
    answer = browse("alice").get(CHECK, {"kind": "subnet", "host": "web-1", **query})
    assert said in text(answer)
    assert "<b>x</b>" not in answer.content.decode()


def test_it_tells_of_hosts_that_could_no_longer_be_reached(browse: Browse, web: Host) -> None:
    seen = observed(name="lives", subnet="10.5.0.0/24")
    there = evolve(seen.addresses[1], interface=IPv4Interface("192.168.9.4/24"))
    world.host("lives", observed=evolve(seen, addresses=(*seen.addresses, there)))
    said = check(browse, subnet="192.168.8.0/22")
    assert "lives itself has an address in 192.168.8.0/22" in said
    assert "Possible, but read this first" in said


@pytest.mark.parametrize("busy", [False, True])
def test_it_says_that_the_host_takes_no_request_now(
    browse: Browse, people: dict[str, User], busy: bool
) -> None:
    web = world.host("web-1", online=busy)
    if busy:
        world.Story(web, people["dan"]).planned()
    said = check(browse, subnet="192.168.9.0/24")
    assert ("one change at a time" if busy else "web-1 is offline.") in said
    assert "Nothing speaks against it" not in said


def test_it_knows_nothing_of_a_host_that_never_reported(browse: Browse, web: Host) -> None:
    world.host("new", observed=None)
    said = check(browse, host="new", subnet="192.168.9.0/24")
    assert "Nothing is known of new yet" in said
    assert "Nothing speaks against it" not in said


@pytest.mark.parametrize("button", ["check", "use"])
def test_it_checks_without_scripts_and_loses_nothing(
    browse: Browse, web: Host, button: str
) -> None:
    sent: dict[str, Any] = {
        "kind": "subnet",
        "host": "web-1",
        "subnet": "192.168.9.7/24",
        "gateway": "nonsense",
        "reason": "Why not",
        "accept": ["swarm-node"],
        "confirm": "person",
        "confirm_window_s": "x9",
        button: "192.168.9.0/24",
    }
    page = browse("alice").post(NEW, sent)
    assert page.status_code == 200
    kept = fields(page)
    wanted = "192.168.9.0/24" if button == "use" else "192.168.9.7/24"
    assert (kept["subnet"], kept["gateway"], kept["host"]) == (wanted, "nonsense", "web-1")
    assert (kept["accept"], kept["confirm"], kept["confirm_window_s"]) == (
        "swarm-node",
        "person",
        "x9",
    )
    assert "Why not" in text(page)
    assert "This cannot be asked for yet" in text(page)
    assert not Change.objects.exists()


def test_it_takes_its_defaults_from_the_host(
    browse: Browse, people: dict[str, User], web: Host
) -> None:
    Change.objects.create(
        host=web,
        kind="subnet",
        spec={},
        requested_by=people["alice"],
        state="withdrawn",
        confirm="person",
        confirm_window_s=240,
    )
    found = fields(browse("alice").get(f"{NEW}?host=web-1"))
    assert (found["confirm"], found["confirm_window_s"]) == ("person", "240")
    nat = fields(browse("alice").get(f"{NEW}?kind=nat&host=web-1"))
    assert (nat["subnet"], nat["mode"]) == ("172.17.0.0/16", "masquerade")


def test_a_check_without_a_host_knows_the_reserved_ranges(db: None) -> None:
    world.reserved("10.200.0.0/16", "VPN")
    spec = {"network": "bridge", "subnet": "10.200.1.0/24"}
    found = check_of(kind="subnet", spec=spec, host=None)
    assert [f.code for f in found.findings] == ["overlaps-reserved"]
    assert found.verdict == "refused"


@pytest.mark.parametrize(
    ("host", "title"),
    [
        ("web-1", "Nothing speaks against it so far"),
        ("", "Checked while you type"),
        ("nobody", "This cannot be asked for yet"),
    ],
)
def test_it_calls_nothing_good_that_was_held_against_no_host(
    browse: Browse, web: Host, host: str, title: str
) -> None:
    assert check(browse, host=host, subnet="192.168.9.0/24").startswith(title)
