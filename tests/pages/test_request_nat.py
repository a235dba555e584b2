"""The form that asks for NAT."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

import pytest
from attrs import evolve
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from hosts.models import Host
from netops.engine.observed import Address, DockerNetwork, Link
from netops.forms_nat import publish_line, query_of
from netops.models import Change
from people.models import User
from tests.pages import world
from tests.pages.host_example import observed, with_setting
from tests.pages.reading import fields, tags, targets, text, text_of

Browse = Callable[[str], Client]
NEW = "/changes/new/"
HOSTILE = "<script>alert(1)</script>"
GOOD: dict[str, Any] = {
    "kind": "nat",
    "host": "web-1",
    "subnet": "172.17.0.0/16",
    "mode": "snat",
    "to_source": "198.51.100.11",
    "out_interface": "eth0",
    "exclude": "10.0.0.0/8\r\n\r\n 192.168.0.0/16 ",
    "publish": "tcp 8080 172.17.0.2:80\r\n\r\nUDP 198.51.100.11:53 → 172.17.0.3:53\r\n",
    "docker_chain": "on",
    "reason": "One address for the payment provider.",
}
SPEC: dict[str, Any] = {
    "subnet": "172.17.0.0/16",
    "mode": "snat",
    "to_source": "198.51.100.11",
    "out_interface": "eth0",
    "exclude": ["10.0.0.0/8", "192.168.0.0/16"],
    "docker_chain": True,
    "publish": [
        {"protocol": "tcp", "host_port": 8080, "to": "172.17.0.2:80"},
        {
            "protocol": "udp",
            "host_ip": "198.51.100.11",
            "host_port": 53,
            "to": "172.17.0.3:53",
        },
    ],
}


def options(page: Any) -> list[str]:
    return [named["value"] for named in tags(page, "option")]


def test_it_makes_a_change_of_a_good_request(browse: Browse, web: Host) -> None:
    answer = browse("alice").post(NEW, GOOD)
    change = Change.objects.get()
    assert answer["Location"] == f"/changes/{change.pk}/"
    assert (change.kind, change.host, change.spec) == ("nat", web, SPEC)
    page = text(browse("carol").get(answer["Location"]))
    assert "NAT on web-1: 172.17.0.0/16 → SNAT 198.51.100.11 by eth0, 2 ports" in page


def test_it_leaves_out_what_was_left_empty(browse: Browse, web: Host) -> None:
    sent = {"kind": "nat", "host": "web-1", "subnet": "172.17.0.0/16", "mode": "masquerade"}
    browse("alice").post(NEW, sent | {"exclude": " \r\n", "publish": "", "reason": "x"})
    spec = Change.objects.get().spec
    assert {name: value for name, value in spec.items() if value} == {
        "subnet": "172.17.0.0/16",
        "mode": "masquerade",
    }


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("subnet", "", "Which subnet?"),
        ("subnet", "172.17.0.1/16", "the network is 172.17.0.0/16"),
        ("subnet", "fd00::/64", "is IPv6"),
        ("mode", "", "Choose how packets leave."),
        ("mode", "all", "“all” is not one of masquerade, snat, none."),
        ("to_source", "", "say which address of the host"),
        ("to_source", "fd00::1", "is an IPv6 address"),
        ("to_source", "1.2.3.4; reboot", "is not an IPv4 address"),
        ("out_interface", "eth0 -j ACCEPT", "is not the name of an interface"),
        ("out_interface", "eth+", "is not the name of an interface"),
        ("exclude", "10.0.0.0/8\n10.1.0.0/16", "10.1.0.0/16 overlaps 10.0.0.0/8"),
        ("exclude", HOSTILE, "is not an IPv4 network"),
        ("publish", "tcp 0 172.17.0.2:80", "Line 1: A port is a number from 1 to 65535, not 0."),
        ("publish", "\n\ntcp 80x 172.17.0.2:80", "Line 3: A port is a number"),
        ("publish", "tcp 1 172.17.0.2:80\nicmp 2 172.17.0.2:80", "Line 2: “icmp” is not one of"),
        ("publish", "tcp fd00::1:80 172.17.0.2:80", "Line 1: “fd00:" + ":1” is an IPv6 address"),
        ("publish", "tcp 80", "Line 1: Write it like tcp 8080 web:80."),
        ("publish", "\ntcp", "Line 2: Write it like tcp 8080 web:80."),
        (
            "publish",
            "tcp 80 172.17.0.2:80 -j ACCEPT",
            "Line 1: Write it like tcp 8080 web:80.",
        ),
        ("publish", "tcp 80 172.17.0.2:1\ntcp 80 172.17.0.2:2", "Line 2: “tcp 80 → 172.17.0.2:2”"),
        ("publish", f"tcp 80 {HOSTILE}", "Line 1: “<script>"),
        ("publish", "tcp 1 172.17.0.2:80\n" * 129, "at most 128, not 129"),
        ("reason", " ", "Say why"),
    ],
)
def test_it_says_beside_the_field_what_is_wrong(
    browse: Browse, web: Host, field: str, value: str, sentence: str
) -> None:
    answer = browse("alice").post(NEW, GOOD | {field: value})
    assert answer.status_code == 422
    assert sentence in text_of(answer, f"id_{field}_error")
    assert HOSTILE not in answer.content.decode()
    kept = fields(answer)
    for name in {"host", "subnet", "to_source", "out_interface"} - {field}:
        assert kept[name] == GOOD[name]
    assert "docker_chain" in kept
    assert field == "mode" or kept["mode"] == "snat"
    assert not Change.objects.exists()


def test_it_tells_every_fault_at_once(browse: Browse, people: dict[str, User]) -> None:
    bad = {"kind": "nat", "host": "nobody", "subnet": "x", "mode": "x", "publish": "x y z"}
    answer = browse("alice").post(NEW, bad | {"exclude": "x", "out_interface": "a b"})
    assert text_of(answer, "id_host_error") == "There is no host “nobody”."
    for name in ("subnet", "mode", "publish", "exclude", "out_interface"):
        assert text_of(answer, f"id_{name}_error"), name


def test_it_offers_what_the_host_has(browse: Browse, people: dict[str, User]) -> None:
    seen = observed()
    more = (
        Link(5, "eth1", "", "", True, 1500),
        Link(6, "br0", "bridge", "", True, 1500),
        Link(7, "eth2", "", "", True, 1500, master="br0"),
        Link(8, "lan0", "bridge", "", True, 1500),
        Link(9, "ens7", "veth", "", True, 1500, peer_index=10),  # A host that is a container.
    )
    lan = DockerNetwork("f" * 64, "lan", "bridge", "lan0", (IPv4Network("10.5.0.0/24"),))
    second = Address("eth0", IPv4Interface("198.51.100.12/24"))
    told = evolve(
        seen,
        links=(*seen.links, *more),
        addresses=(*seen.addresses, second),
        networks=(*seen.networks, lan),
    )
    world.host("web-1", observed=told)
    for path in (f"{NEW}?kind=nat&host=web-1", f"{NEW}nat/?host=web-1"):
        found = options(browse("alice").get(path))
        wanted = ["172.17.0.0/16", "172.18.0.0/16", "10.5.0.0/24"]
        wanted += ["198.51.100.11", "198.51.100.12", "eth0", "eth1", "br0", "ens7"]
        assert [o for o in found if o != "web-1"] == wanted


@pytest.mark.parametrize("query", ["?kind=nat", "?kind=nat&host=nobody", "?kind=nat&host=new-1"])
def test_it_is_as_good_without_an_observation(
    browse: Browse, people: dict[str, User], query: str
) -> None:
    world.host("new-1", observed=None, online=False)
    page = browse("alice").get(NEW + query)
    assert page.status_code == 200
    found = fields(page)
    assert {"host", "subnet", "mode", "to_source", "out_interface"} <= set(found)
    assert found["mode"] == "masquerade"
    assert {named["name"] for named in tags(page, "textarea")} == {"exclude", "publish", "reason"}


def test_it_says_that_the_host_is_offline(browse: Browse, people: dict[str, User]) -> None:
    world.host("web-1", online=False)
    answer = browse("alice").post(NEW, GOOD)
    assert answer.status_code == 422
    assert "web-1 is offline." in text_of(answer, "id_host_error")


def test_it_leads_from_kind_to_kind_and_keeps_the_host(browse: Browse, web: Host) -> None:
    client = browse("alice")
    page = client.get(f"{NEW}?host=web-1")
    assert {"?kind=subnet&host=web-1", "?kind=nat&host=web-1"} <= targets(page)
    assert "A new subnet for docker0" in text(page)
    assert "Which size?" in text(page)
    other = client.get(f"{NEW}?kind=nat&host=web-1")
    assert "NAT for a subnet" in text(other)
    assert "Which size?" not in text(other)
    assert fields(other)["host"] == "web-1"


def test_it_is_filled_by_its_address(browse: Browse, web: Host) -> None:
    client = browse("alice")
    page = client.get(f"{NEW}?{query_of('web-1', SPEC)}")
    sent = fields(page)
    areas = page.content.decode()
    assert "10.0.0.0/8\n192.168.0.0/16" in areas
    assert "docker_chain" in sent
    sent["docker_chain"] = "on"  # What a browser sends for a box without a value.
    sent["exclude"] = "\n".join(SPEC["exclude"])
    sent["publish"] = "\n".join(publish_line(item) for item in SPEC["publish"])
    assert sent["publish"] in areas
    client.post(NEW, sent | {"reason": "As the address said."})
    assert Change.objects.get().spec == SPEC


def test_it_starts_from_the_setting_that_it_replaces(
    browse: Browse, people: dict[str, User]
) -> None:
    port = {"protocol": "tcp", "host_port": 8443, "to": "172.17.0.3:443"}
    world.host(
        "web-1", observed=with_setting(observed(), 12, publish=[port], exclude=["10.0.0.0/8"])
    )
    client = browse("alice")
    page = client.get(f"{NEW}?kind=nat&host=web-1&subnet=172.17.0.0/16")
    assert "172.17.0.0/16 has a NAT setting already" in text(page)
    assert "/changes/12/" in targets(page)
    assert text_of(page, "id_publish") == "tcp 8443 172.17.0.3:443"
    assert text_of(page, "id_exclude") == "10.0.0.0/8"
    named = client.get(f"{NEW}?kind=nat&host=web-1&subnet=172.17.0.0/16&mode=none")
    assert fields(named)["mode"] == "none"
    assert text_of(named, "id_publish") == ""
    assert "A new change replaces it" in text_of(named, "nat-setting")
    part = client.get(f"{NEW}nat/?host=web-1&subnet=172.17.0.0/16")
    assert "A new change replaces it" in text_of(part, "nat-setting")
    other = client.get(f"{NEW}?kind=nat&host=web-1&subnet=172.18.0.0/16")
    assert "NAT setting already" not in text(other)


def test_it_starts_from_an_earlier_change(
    browse: Browse, people: dict[str, User], web: Host
) -> None:
    story = world.Story(web, people["alice"], spec=SPEC, kind="nat", reason="As before")
    page = browse("alice").get(f"{NEW}?from={story.change.pk}")
    found = fields(page)
    assert {n: found[n] for n in ("kind", "host", "mode")} == {
        "kind": "nat",
        "host": "web-1",
        "mode": "snat",
    }
    assert text_of(page, "id_publish").startswith("tcp 8080 172.17.0.2:80")
    assert text_of(page, "id_reason") == "As before"


def test_it_shows_what_the_host_has_without_scripts(browse: Browse, web: Host) -> None:
    page = browse("alice").post(NEW, GOOD | {"look": "1"})
    assert page.status_code == 200
    assert "What web-1 has" in text(page)
    assert "UDP 198.51.100.11:53 → 172.17.0.3:53" in text_of(page, "id_publish")
    assert "docker_chain" in fields(page)
    assert not Change.objects.exists()


def test_it_escapes_what_the_host_says(browse: Browse, people: dict[str, User]) -> None:
    seen = observed()
    evil = Link(9, HOSTILE, "", "", True, 1500)
    network = DockerNetwork("e" * 64, HOSTILE, "bridge", HOSTILE, (IPv4Network("10.3.0.0/16"),))
    addresses = (*seen.addresses, Address(HOSTILE, IPv4Interface("198.51.100.77/24")))
    told = evolve(
        seen,
        links=(*seen.links, evil),
        networks=(*seen.networks, network),
        addresses=addresses,
        firewall=evolve(seen.firewall, backend=HOSTILE),
    )
    world.host("web-1", observed=told)
    page = browse("alice").get(f"{NEW}?kind=nat&host=web-1&to_source={HOSTILE}&publish={HOSTILE}")
    assert HOSTILE not in page.content.decode()
    assert HOSTILE in text(page)


@pytest.mark.parametrize("damage", [{"mode": "x"}, {"publish": [1]}, {"subnet": "172.17.0.0/16"}])
def test_it_takes_a_damaged_setting_for_none(
    browse: Browse, people: dict[str, User], damage: dict[str, Any]
) -> None:
    seen = with_setting(observed())
    [setting] = seen.nat.settings
    broken = evolve(setting, spec=setting.spec | damage, change_id=-3)
    world.host("web-1", observed=evolve(seen, nat=evolve(seen.nat, settings=(broken,))))
    page = browse("alice").get(f"{NEW}?kind=nat&host=web-1&subnet=172.17.0.0/16")
    assert page.status_code == 200
    assert ("NAT setting already" in text(page)) is (len(damage) == 1 and "subnet" in damage)


@pytest.mark.parametrize("name", ["carol", ""])
def test_it_is_not_for_readers(browse: Browse, web: Host, name: str) -> None:
    client = browse(name)
    assert client.get(f"{NEW}?kind=nat&host=web-1").status_code in (302, 403)
    assert client.post(NEW, GOOD).status_code in (302, 403)
    assert not Change.objects.exists()


def test_it_needs_few_queries(browse: Browse, people: dict[str, User]) -> None:
    client = browse("alice")
    world.host("web-1", observed=observed(containers=2))
    # The first request of a session also writes it.
    client.get(NEW)
    counts = []
    client.get(NEW)  # The first request of a session writes it.
    for size in (2, 60):
        Host.objects.filter(name="web-1").delete()
        world.host("web-1", observed=with_setting(observed(containers=size)))
        for path in (f"{NEW}?kind=nat&host=web-1&subnet=172.17.0.0/16", f"{NEW}nat/?host=web-1"):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(path).status_code == 200
            counts.append(len(queries))
    assert counts[:2] == counts[2:]
    assert max(counts) <= 10
