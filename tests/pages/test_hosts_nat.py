"""The NAT of a host on its page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from attrs import evolve
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from hosts.nat import nat_section
from hosts.nat_audit import nat_audit
from hosts.problems import problems_of
from netops.engine.layers import layers_of
from netops.engine.observed import Observed
from people.models import User
from tests.pages import world
from tests.pages.host_example import observed, with_setting, without_nat
from tests.pages.reading import fields, tags, targets, text, text_of

Browse = Callable[[str], Client]
HOSTILE = "<script>alert(1)</script>"
PORT = {"protocol": "tcp", "host_port": 8443, "to": "172.17.0.3:443"}


def nat_rules(seen: Observed, *more: str, first: bool = False) -> Observed:
    """The host with more rules in nat, at the end or before all others of POSTROUTING."""
    nat = seen.firewall.nat
    heads = [line for line in nat if line.startswith(":")]
    rules = [line for line in nat if not line.startswith(":")]
    told = [*heads, *more, *rules] if first else [*heads, *rules, *more]
    return evolve(seen, firewall=evolve(seen.firewall, nat=tuple(told)))


def problems(seen: Observed) -> list[str]:
    found = problems_of(seen, layers_of(seen), nat_audit(seen))
    return [p.message for p in found if p.message.startswith("NAT")]


def test_it_is_calm_when_all_is_well(browse: Browse, people: dict[str, User]) -> None:
    world.host("web-1", observed=observed())
    page = browse("alice").get("/hosts/web-1/")
    shown = text_of(page, "nat")
    assert "as it should be" in shown
    assert "bridge 172.17.0.0/16 MASQUERADE Docker does it" in shown
    assert "should have" not in shown
    assert "shop 172.18.0.0/16" in shown
    assert not [path for path in targets(page) if "kind=nat" in path]
    assert "Mend it" not in shown
    assert problems(observed()) == []


def test_it_draws_the_way_that_packets_take_now(browse: Browse, people: dict[str, User]) -> None:
    world.host("web-1", observed=with_setting(observed(), 12, publish=[PORT]))
    shown = text_of(browse("carol").get("/hosts/web-1/"), "nat")
    assert "masquerade, 1 port, set by #12" in shown
    for words in (
        "Containers 172.17.0.0/16 app-0 172.17.0.2",
        "docker0 172.17.0.1/16",
        "POSTROUTING Asks Dockernet's chain first",
        "DOCKERNET-POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
        "eth0 198.51.100.11",
        "3 ports lead to 172.17.0.0/16, 1 by Dockernet, 2 Docker's own.",
        "app-1 172.17.0.3:443",
        "No port of this host leads to 172.18.0.0/16.",
    ):
        assert words in shown


def test_it_opens_a_filled_request_for_what_is_missing(
    browse: Browse, people: dict[str, User]
) -> None:
    world.host("web-1", observed=without_nat(observed()))
    page = browse("alice").get("/hosts/web-1/")
    shown = text(page)
    assert "NAT: Nothing translates 172.17.0.0/16" in shown
    assert "2 to look at" in shown
    link = next(a["href"] for a in tags(page, "a") if a.get("id") == "mend-2")
    asked = dict(parse_qsl(link.partition("?")[2]))
    assert asked == {
        "kind": "nat",
        "host": "web-1",
        "subnet": "172.18.0.0/16",
        "mode": "masquerade",
    }
    form = fields(browse("alice").get(link))
    assert {name: form[name] for name in asked} == asked


@pytest.mark.parametrize(("name", "online"), [("carol", True), ("alice", False)])
def test_it_offers_no_request_that_would_be_refused(
    browse: Browse, people: dict[str, User], name: str, online: bool
) -> None:
    world.host("web-1", observed=without_nat(observed()), online=online)
    page = browse(name).get("/hosts/web-1/")
    assert "Nothing translates 172.17.0.0/16" in text_of(page, "nat")
    assert not [path for path in targets(page) if "kind=nat" in path]


def test_it_tells_rules_that_lost_their_place(browse: Browse, people: dict[str, User]) -> None:
    other = "-A POSTROUTING -s 172.16.0.0/12 -j SNAT --to-source 198.51.100.11"
    seen = nat_rules(with_setting(observed(), 12, publish=[PORT]), other, first=True)
    world.host("web-1", observed=seen)
    page = browse("alice").get("/hosts/web-1/")
    shown = text_of(page, "nat")
    assert "Shadowed" in shown
    assert f"Another rule decides before ours: {other}." in shown
    assert "Rules that decide before Dockernet's chain" in shown
    assert "Where a rule before ours fits, that one decides." in shown
    assert "Asks Dockernet's chain first" not in shown
    link = next(a["href"] for a in tags(page, "a") if a.get("id") == "mend-1")
    assert ("publish", "tcp 8443 172.17.0.3:443") in parse_qsl(link.partition("?")[2])


def test_it_draws_no_chain_that_nothing_leads_to(browse: Browse, people: dict[str, User]) -> None:
    seen = with_setting(without_nat(observed()), 12, publish=[PORT])
    nat = tuple(line for line in seen.firewall.nat if "-j DOCKERNET" not in line)
    world.host("web-1", observed=evolve(seen, firewall=evolve(seen.firewall, nat=nat)))
    shown = text_of(browse("carol").get("/hosts/web-1/"), "nat")
    assert "Missing" in shown
    assert "A packet from 172.17.0.0/16 to the outside keeps the container's address" in shown
    assert "No port of this host leads to 172.17.0.0/16." in shown


def test_it_gives_the_command_for_rules_of_others(browse: Browse, people: dict[str, User]) -> None:
    gone = "-A POSTROUTING -s 10.66.0.0/16 ! -o br-0123456789ab -j MASQUERADE"
    world.host("web-1", observed=nat_rules(observed(), gone))
    page = browse("alice").get("/hosts/web-1/")
    command = gone.replace("-A", "iptables -t nat -D")
    assert text_of(page, "nat-hint-3") == command
    assert "Left over" in text_of(page, "nat")
    assert "The rule is not Dockernet's" in text(page)


def test_it_tells_many_of_a_kind_as_one(people: dict[str, User]) -> None:
    lost = [f"-A POSTROUTING -s 10.{n}.0.0/16 ! -o br-{n:012x} -j MASQUERADE" for n in range(9)]
    [told] = problems(nat_rules(observed(), *lost))
    assert "The same goes for 6 more." in told


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"problems": ("Firewall: iptables-save is missing",)}, "could not be read"),
        ({"firewall": {"nat": ()}}, "does not tell the rules"),
        ({"firewall": {"backend": ""}}, "This host has no iptables that dockerd would use."),
        ({"settings": {"bridge": "a b; reboot"}}, "are damaged"),
        ({"settings": {"spec": {"subnet": HOSTILE}}}, "are damaged"),
        ({"settings": {"change_id": -1}}, "are damaged"),
    ],
)
def test_it_raises_no_alarm_about_what_it_cannot_see(
    browse: Browse, people: dict[str, User], change: dict[str, Any], sentence: str
) -> None:
    seen = with_setting(observed(), 12)
    [setting] = seen.nat.settings
    firewall = evolve(seen.firewall, **change.get("firewall", {}))
    damaged = evolve(setting, **change.get("settings", {}))
    told = evolve(
        seen,
        firewall=firewall,
        problems=change.get("problems", ()),
        nat=evolve(seen.nat, settings=(damaged,)),
    )
    world.host("web-1", observed=told)
    shown = text_of(browse("carol").get("/hosts/web-1/"), "nat")
    assert sentence in shown
    assert "not known" in shown
    assert problems(told) == []


def test_it_tells_settings_while_docker_is_down(browse: Browse, people: dict[str, User]) -> None:
    seen = with_setting(observed(), 12)
    down = evolve(seen, daemon=evolve(seen.daemon, running=False), networks=())
    world.host("web-1", observed=down)
    shown = text_of(browse("carol").get("/hosts/web-1/"), "nat")
    assert "172.17.0.0/16 has a setting by #12; it is judged when Docker runs" in shown


def test_it_says_that_rules_were_left_out(browse: Browse, people: dict[str, User]) -> None:
    seen = observed()
    world.host("web-1", observed=evolve(seen, firewall=evolve(seen.firewall, left_out=7000)))
    assert "has 7000 rules more" in text_of(browse("carol").get("/hosts/web-1/"), "nat")


def test_it_escapes_what_the_host_says(browse: Browse, people: dict[str, User]) -> None:
    seen = observed()
    networks = tuple(
        evolve(n, name=HOSTILE, bridge=HOSTILE) if n.name == "shop" else n for n in seen.networks
    )
    rules = (
        f"-A POSTROUTING -s 172.17.0.0/16 -o {HOSTILE} -j MASQUERADE",
        f"-A POSTROUTING -s 10.66.0.0/16 -o br-{HOSTILE} -j MASQUERADE",
        f"-A DOCKER -p tcp -m comment --comment {HOSTILE} -j DNAT --to-destination 172.17.0.2:1",
        "-A POSTROUTING -s 172.17.0.0/16 --comment \"'",
    )
    links = tuple(evolve(link, name=f"{HOSTILE}{link.index}") for link in seen.links)
    world.host("web-1", observed=nat_rules(evolve(seen, networks=networks, links=links), *rules))
    page = browse("alice").get("/hosts/web-1/")
    assert HOSTILE not in page.content.decode()
    assert text_of(page, "nat").count(HOSTILE) >= 4


def test_it_needs_no_query_more_for_many_networks(browse: Browse, people: dict[str, User]) -> None:
    counts = []
    for size in (1, 40):
        seen = with_setting(observed(), 12)
        shop = seen.networks[1]
        more = tuple(evolve(shop, name=f"shop-{n}", bridge=f"br-{n}") for n in range(size))
        world.host(f"web-{size}", observed=evolve(seen, networks=(*seen.networks, *more)))
        with CaptureQueriesContext(connection) as queries:
            assert browse("carol").get(f"/hosts/web-{size}/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_it_has_a_word_for_every_state() -> None:
    section = nat_section("web-1", observed(), nat_audit(observed()))
    assert section.right
    assert [row.number for row in section.rows] == [1, 2]
    assert all(row.mend == "" for row in section.rows)
