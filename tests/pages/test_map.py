"""The map of addresses: what is used, reserved, in conflict and free."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Interface, IPv4Network

import pytest
from attrs import evolve
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from hosts.host_subnets import subnet_uses
from hosts.models import Host, HostSubnet, ReservedRange
from hosts.services import observation_store
from netops.engine.observed import Address
from people.models import User
from tests.pages import world
from tests.pages.host_example import observed
from tests.pages.reading import tags, targets, text, text_of

Browse = Callable[[str], Client]


def cell(page: HttpResponseBase, network: str) -> str:
    """What the block of that network is, in the words that a screen reader hears."""
    wanted = f"/map/?in={network}"
    found = (a for a in blocks(page) if a["href"] == wanted)
    return next(found)["aria-label"]


def blocks(page: HttpResponseBase) -> list[dict[str, str]]:
    """The links that are blocks of the map."""
    return [a for a in tags(page, "a") if "map-cell" in a.get("class", "")]


def test_it_shows_used_reserved_and_free_blocks(browse: Browse, web: Host) -> None:
    world.reserved("10.8.0.0/16", "VPN")
    page = browse("carol").get("/map/")
    assert cell(page, "172.17.0.0/16") == "172.17.0.0/16: in use"
    assert cell(page, "10.8.0.0/16") == "10.8.0.0/16: reserved (VPN)"
    assert cell(page, "10.9.0.0/16") == "10.9.0.0/16: free"
    assert "No conflicts" in text(page)
    assert "172.17.0.0/16 docker0 1" in text(page)


def test_it_groups_hosts_by_subnet_and_leads_to_them(
    browse: Browse, people: dict[str, User]
) -> None:
    for number in range(3):
        world.host(f"web-{number}")
    world.host("gone", revoked_at=timezone.now())
    page = browse("carol").get("/map/")
    assert "172.17.0.0/16 docker0 3" in text(page)
    assert "/?q=172.17.0.0/16" in targets(page)
    hosts = browse("carol").get("/map/hosts/?subnet=172.18.0.0/16&use=docker")
    assert "web-2" in text(hosts)
    assert "gone" not in text(hosts)
    assert "/map/hosts/?subnet=172.18.0.0/16&use=docker" in targets(page)


def test_it_tells_conflicts_first_with_the_hosts(browse: Browse, web: Host) -> None:
    world.reserved("172.16.0.0/14", "Offices")
    world.host("inner", observed=observed(name="inner", kernel_address="198.51.100.77/24"))
    page = browse("alice").get("/map/")
    told = text(page)
    assert "172.17.0.0/16, which overlaps 172.16.0.0/14, reserved for Offices." in told
    assert "on 2 hosts, inner first" in told
    assert "198.51.100.0/24, which overlaps another network of the same host." in told
    assert cell(page, "172.17.0.0/16").startswith("172.17.0.0/16: conflict")
    assert told.index("Containers have") < told.index("The same as a table")
    elsewhere = text(browse("alice").get("/map/?in=192.168.0.0/16"))
    assert "No conflicts in 192.168.0.0/16." in elsewhere
    assert "no subnet of containers overlaps" not in elsewhere
    concerned = browse("carol").get("/map/hosts/?subnet=198.51.100.0/24&use=docker0&clash=1")
    assert "198.51.100.0/24 eth0" in text(concerned)


def test_it_tells_when_containers_hide_another_host(browse: Browse, web: Host) -> None:
    seen = observed(name="lives", subnet="10.5.0.0/24")
    more = Address("eth1", IPv4Interface("172.17.9.4/24"))
    world.host("lives", observed=evolve(seen, addresses=(*seen.addresses, more)))
    page = text(browse("carol").get("/map/"))
    assert "Containers have 172.17.0.0/16, and lives itself is in 172.17.9.0/24" in page
    assert "on web-1" in page


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/map/?in=10.0.0.0/8&size=16", "10.0.0.0/16"),
        ("/map/?in=192.168.0.0/16&size=24", "192.168.4.0/24"),
        ("/map/?containers=300", "192.168.4.0/23"),
    ],
)
def test_it_finds_the_next_free_range(browse: Browse, web: Host, path: str, said: str) -> None:
    world.reserved("192.168.0.0/22", "Home")
    page = browse("alice").get(path)
    assert text_of(page, "free-found") == said
    assert f"/changes/new/?subnet={said}" in targets(page)
    form = browse("alice").get(f"/changes/new/?subnet={said}")
    assert f'value="{said}"' in form.content.decode()


@pytest.mark.parametrize(
    "query", ["size=x", "size=99", "size=7", "containers=-1", "containers=0", "containers=99999999"]
)
def test_it_answers_odd_sizes_with_a_sentence(browse: Browse, web: Host, query: str) -> None:
    page = browse("alice").get(f"/map/?{query}")
    assert page.status_code == 200
    assert text_of(page, "free-found") == ""
    assert "field-error" in page.content.decode()


@pytest.mark.parametrize("within", ["x", "10.0.0.0", "::/0", "10.0.0.0/99", "\x00/8", "1/2/3"])
def test_it_shows_everything_for_an_odd_range(browse: Browse, web: Host, within: str) -> None:
    page = browse("carol").get("/map/", {"in": within})
    assert page.status_code == 200
    assert "192.168.0.0/16" in text(page)


@pytest.mark.parametrize(
    "within", ["0.0.0.0/0", "10.1.2.3/8", "172.17.0.0/16", "10.0.0.4/30", "1.2.3.4/32"]
)
def test_it_looks_into_any_range(browse: Browse, web: Host, within: str) -> None:
    page = browse("carol").get("/map/", {"in": within})
    network = IPv4Network(within, strict=False)
    assert f"Addresses in {network}" in text(page)
    assert len(blocks(page)) <= 256


def test_an_admin_edits_a_range(browse: Browse, people: dict[str, User]) -> None:
    kept = world.reserved("10.8.0.0/16", "VPN")
    world.reserved("10.9.0.0/16", "Office")
    client, path = browse("admin"), f"/ranges/{kept.pk}/"
    for wrong in ("10.8.0.1/16", "10.9.0.0/16", "x"):
        answer = client.post(path, {"subnet": wrong, "label": "New"})
        assert answer.status_code == 422
        assert text_of(answer, "id_subnet_error")
        kept.refresh_from_db()
        assert str(kept) == "10.8.0.0/16 (VPN)"
    assert not Entry.objects.filter(action="range.edited").exists()
    client.post(path, {"subnet": "10.8.0.0/15", "label": "Both VPNs"})
    kept.refresh_from_db()
    assert str(kept) == "10.8.0.0/15 (Both VPNs)"
    said = Entry.objects.get(action="range.edited").message
    assert said == "admin changed the range 10.8.0.0/16 (VPN) to 10.8.0.0/15 (Both VPNs)."
    assert browse("alice").post(path, {"subnet": "10.1.0.0/16", "label": "x"}).status_code == 403
    assert ReservedRange.objects.filter(subnet="10.8.0.0/15").exists()


def test_the_table_follows_the_reports(web: Host) -> None:
    def kept() -> set[tuple[str, str, str]]:
        rows = HostSubnet.objects.filter(host=web)
        return set(rows.values_list("subnet", "use", "name"))

    assert kept() == {
        ("172.17.0.0/16", "docker0", "bridge"),
        ("172.18.0.0/16", "docker", "shop"),
        ("198.51.100.0/24", "address", "eth0"),
        ("10.8.0.0/16", "route", "eth0"),
    }
    observation_store(host=web, observed=observed(subnet="10.5.0.0/24"), cause="changed")
    assert ("10.5.0.0/24", "docker0", "bridge") in kept()
    assert ("172.17.0.0/16", "docker0", "bridge") not in kept()


def test_a_host_with_very_many_routes_is_cut_short() -> None:
    seen = observed()
    route = seen.routes[-1]
    many = tuple(evolve(route, destination=IPv4Network((n << 8, 24))) for n in range(99, 9999))
    uses = subnet_uses(evolve(seen, routes=many))
    assert len(uses) == 200
    assert {u.use for u in uses} == {"docker0", "docker", "address", "route"}


def test_it_asks_before_a_range_is_given_back(browse: Browse, people: dict[str, User]) -> None:
    kept = world.reserved("10.8.0.0/16", "VPN")
    client, path = browse("admin"), f"/ranges/{kept.pk}/remove/"
    assert path in targets(client.get("/map/"))
    asked = text(client.get(path))
    assert "Give 10.8.0.0/16 back? It is reserved for VPN." in asked
    assert ReservedRange.objects.exists()
    client.post(path)
    assert not ReservedRange.objects.exists()
    assert client.get(path).status_code == 404


def test_what_is_empty_for_all_hosts_is_no_column(browse: Browse, people: dict[str, User]) -> None:
    world.host("web-1")
    address = "/map/hosts/?subnet=172.17.0.0/16&use=docker0"
    client = browse("carol")
    assert "Overlaps on the host" not in text(client.get(address))
    HostSubnet.objects.filter(use="docker0").update(clash="172.17.4.0/24 eth1")
    assert "Overlaps on the host" in text(client.get(address))


def test_a_range_without_room_leads_to_the_others(browse: Browse, people: dict[str, User]) -> None:
    page = browse("carol").get("/map/?in=10.0.0.0/30&size=24")
    assert "No /24 is free here. Find one elsewhere" in text(page)
    assert "/map/?size=24#free" in targets(page)


def test_it_says_nothing_of_conflicts_before_a_host_was_seen(browse: Browse) -> None:
    told = text(browse("admin").get("/map/"))
    assert "No conflicts" not in told
    assert "Next free range" in told
