"""The form that asks for NAT: ports by the name of a container, and risks that are accepted."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Interface

from attrs import evolve
from django.http import QueryDict
from django.test import Client

from hosts.models import Host
from hosts.nat_audit import nat_audit
from hosts.problems import problems_of
from hosts.services import observation_store
from netops.engine.layers import layers_of
from netops.engine.observed import Address, Observed
from netops.forms_nat import initial_from, query_of
from netops.models import Change
from tests.pages.host_example import observed, with_setting
from tests.pages.reading import text

Browse = Callable[[str], Client]
NEW = "/changes/new/"
CHECK = "/changes/new/check/"
LONE = "203.0.113.7"
NAMED = {"protocol": "tcp", "host_port": 8080, "to": "web:80"}
ASKED = {
    "kind": "nat",
    "host": "web-1",
    "subnet": "172.17.0.0/16",
    "mode": "snat",
    "to_source": LONE,
    "publish": "tcp 8099 app-0:80",
    "reason": "It is announced by BGP.",
}


def test_a_name_and_an_accepted_risk_are_asked_for(browse: Browse, web: Host) -> None:
    browse("alice").post(NEW, ASKED | {"accept": ["source-on-loopback"]})
    spec = Change.objects.get().spec
    assert spec["publish"] == [{**NAMED, "host_port": 8099, "to": "app-0:80"}]
    assert spec["accept"] == ["source-on-loopback"]


def test_a_link_to_the_form_keeps_name_and_risk() -> None:
    spec = {"subnet": "172.17.0.0/16", "publish": [NAMED], "accept": ["source-on-loopback"]}
    initial = initial_from(QueryDict(query_of("web-1", spec)).dict())
    assert initial["publish"] == "tcp 8080 web:80"
    assert initial["accept"] == ["source-on-loopback"]


def test_the_form_offers_to_accept_what_a_plan_would_refuse(browse: Browse, web: Host) -> None:
    seen = web.observation
    assert seen is not None
    lone = Address("lo", IPv4Interface(f"{LONE}/32"))
    seen = evolve(seen, addresses=(*seen.addresses, lone))
    observation_store(host=web, observed=seen, cause="changed")
    page = text(browse("alice").get(NEW, {"kind": "nat"}))
    assert "source-on-loopback" in page
    refused = text(browse("alice").get(CHECK, ASKED))
    assert f"{LONE} stands on lo alone" in refused
    assert "You can accept this risk above." in refused
    accepted = browse("alice").get(CHECK, ASKED | {"accept": ["source-on-loopback"]})
    assert "You can accept this risk above." not in text(accepted)


def test_the_page_of_a_host_says_that_a_port_leads_nowhere() -> None:
    name = "absent"

    def problems(seen: Observed) -> list[tuple[str, str]]:
        found = problems_of(seen, layers_of(seen), nat_audit(seen))
        return [(one.message, one.hint) for one in found if one.place == "nat"]

    seen = with_setting(observed(), 12, publish=[{**NAMED, "to": f"{name}:80"}])
    [(message, hint)] = problems(seen)
    assert f"No container {name} is in 172.17.0.0/16 now: port tcp 8080 leads nowhere." in message
    assert hint == "Start the container, or publish the port to another one."
