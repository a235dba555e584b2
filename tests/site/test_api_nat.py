"""NAT over the API: the audit of hosts, and changes of kind "nat"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from pytest_django import DjangoAssertNumQueries

from hosts.models import Host
from netops.engine.desired import parse_spec
from netops.engine.observed import Observed
from netops.engine.planner import make_plan
from netops.engine.serial import to_json
from netops.models import Change
from netops.states import State
from people.models import User
from tests.pages.host_example import observed, with_setting, without_nat
from tests.site.api_client import Api
from tests.site.rows import change_row, history, host_row, job_row

pytestmark = pytest.mark.django_db

SUBNET = "172.17.0.0/16"
PORT: dict[str, Any] = {"protocol": "tcp", "host_port": 8443, "to": "172.17.0.3:443"}
SPEC: dict[str, Any] = {
    "subnet": SUBNET,
    "mode": "snat",
    "to_source": "198.51.100.11",
    "out_interface": "eth0",
    "exclude": ["10.0.0.0/8"],
    "docker_chain": True,
    "publish": [PORT, {**PORT, "host_ip": "198.51.100.11", "host_port": 53, "protocol": "udp"}],
}
BODY = {"host": "web-1", "kind": "nat", "spec": SPEC, "reason": "One address for the provider."}


def host_that_is(seen: Observed | None, name: str = "web-1") -> Host:
    return host_row(name, observed=to_json(seen) if seen else None)


def test_it_tells_the_nat_of_each_subnet(api: Callable[[str], Api]) -> None:
    host_that_is(observed())
    shown = api("carol").get("/hosts/web-1").json["nat"]
    assert shown[0] == {
        "network": "bridge",
        "bridge": "docker0",
        "subnet": SUBNET,
        "by": "docker",
        "expected": "MASQUERADE",
        "state": "present",
        "message": f"Packets of {SUBNET} leave with an address of this host.",
        "rules": [f"-A POSTROUTING -s {SUBNET} ! -o docker0 -j MASQUERADE"],
        "mend": None,
        "hint": "",
    }
    assert [entry["network"] for entry in shown] == ["bridge", "shop"]
    assert api("carol").get("/hosts").json["items"][0]["nat"] == shown


@pytest.mark.parametrize("seen", [None, "firewall"])
def test_it_tells_nothing_of_what_was_not_seen(api: Callable[[str], Api], seen: Any) -> None:
    unread = evolve(observed(), problems=("Firewall: iptables-save is missing",))
    host_that_is(unread if seen else None)
    assert api("carol").get("/hosts/web-1").json["nat"] is None


def test_it_tells_nothing_by_a_damaged_setting(api: Callable[[str], Api]) -> None:
    seen = with_setting(observed(), 12)
    broken = evolve(seen.nat.settings[0], spec={"subnet": "x"})
    host_that_is(evolve(seen, nat=evolve(seen.nat, settings=(broken,))))
    host_that_is(observed(), "web-2")
    answer = api("carol").get("/hosts")
    assert answer.status == 200
    assert [item["nat"] is None for item in answer.json["items"]] == [True, False]


def test_it_mends_by_what_it_said(api: Callable[[str], Api]) -> None:
    host_that_is(without_nat(observed()))
    [first, _] = api("carol").get("/hosts/web-1").json["nat"]
    assert (first["state"], first["by"]) == ("missing", "nobody")
    answer = api("alice").post("/changes", {**BODY, "spec": first["mend"]})
    assert answer.status == 201
    kept = parse_spec("nat", Change.objects.get().spec).to_spec()
    assert kept == parse_spec("nat", {"subnet": SUBNET, "mode": "masquerade"}).to_spec()


def test_it_mends_a_setting_that_lost_its_rules(api: Callable[[str], Api]) -> None:
    seen = with_setting(observed(), 12, publish=[PORT])
    host_that_is(evolve(seen, firewall=observed().firewall))
    [first, _] = api("carol").get("/hosts/web-1").json["nat"]
    assert (first["state"], first["by"]) == ("missing", "dockernet")
    assert api("alice").post("/changes", {**BODY, "spec": first["mend"]}).status == 201
    wanted = parse_spec("nat", seen.nat.settings[0].spec)
    assert parse_spec("nat", Change.objects.get().spec) == wanted


@pytest.mark.parametrize("size", [1, 20])
def test_it_audits_without_asking_the_database(
    size: int, api: Callable[[str], Api], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    carol = api("carol")
    for number in range(size):
        host_that_is(with_setting(observed(), 12), f"web-{number}")
    carol.get("/me")
    with django_assert_num_queries(4):  # token, page, count, tags
        assert len(carol.get("/hosts").json["items"]) == size


def test_it_describes_the_audit(api: Callable[[str], Api]) -> None:
    parts = api("carol").get("/openapi.json").json["components"]["schemas"]
    assert set(parts["NatOut"]["properties"]) == {
        *("network", "bridge", "subnet", "by", "expected", "state", "message", "rules"),
        *("mend", "hint"),
    }
    assert "shadowed" in parts["NatOut"]["properties"]["state"]["enum"]
    assert {"subnet", "mode"} == set(parts["NatSpec"]["required"])
    assert "NatOut" in str(parts["HostOut"]["properties"]["nat"])


def test_it_takes_a_request(api: Callable[[str], Api]) -> None:
    host_that_is(observed())
    answer = api("alice").post("/changes", BODY)
    assert (answer.status, answer.json["state"]) == (201, "planning")
    shown = api("carol").get(f"/changes/{answer.json['id']}").json
    assert (shown["kind"], shown["spec"]) == ("nat", SPEC)
    assert history(Change.objects.get()) == [(1, "state", "planning")]
    assert api("carol").get("/changes", kind="nat").json["count"] == 1
    assert api("carol").get("/changes", kind="subnet").json["count"] == 0


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"subnet": None}, "subnet"),
        ({"subnet": "172.17.0.1/16"}, "subnet"),
        ({"subnet": "fd00::/64"}, "subnet"),
        ({"subnet": "; iptables -F"}, "subnet"),
        ({"mode": "drop"}, "mode"),
        ({"mode": None}, "mode"),
        ({"mode": "masquerade"}, "to_source"),
        ({"to_source": None}, "to_source"),
        ({"to_source": "fd00::1"}, "to_source"),
        ({"to_source": "198.51.100.11 -j ACCEPT"}, "to_source"),
        ({"out_interface": "eth0; reboot"}, "out_interface"),
        ({"out_interface": "eth+"}, "out_interface"),
        ({"out_interface": "!eth0"}, "out_interface"),
        ({"exclude": ["10.0.0.0/8", "10.1.0.0/16"]}, "exclude"),
        ({"exclude": "10.0.0.0/8"}, "exclude"),
        ({"exclude": [7]}, "exclude"),
        ({"docker_chain": "yes"}, "docker_chain"),
        ({"publish": {}}, "publish"),
        ({"publish": [7]}, "publish[0]"),
        ({"publish": [PORT, {**PORT, "host_port": 0}]}, "publish[1].host_port"),
        ({"publish": [{**PORT, "host_port": 65536}]}, "publish[0].host_port"),
        ({"publish": [{**PORT, "host_port": "8443"}]}, "publish[0].host_port"),
        ({"publish": [{**PORT, "host_port": True}]}, "publish[0].host_port"),
        ({"publish": [PORT, PORT]}, "publish[1].host_port"),
        ({"publish": [{**PORT, "protocol": "icmp"}]}, "publish[0].protocol"),
        ({"publish": [{**PORT, "host_ip": "::1"}]}, "publish[0].host_ip"),
        ({"publish": [{**PORT, "host_ip": "127.0.0.1"}]}, "publish[0].host_ip"),
        ({"publish": [{**PORT, "to": "172.17.0.3"}]}, "publish[0].to"),
        ({"publish": [{**PORT, "to": "172.17.0.3:443\n-j ACCEPT"}]}, "publish[0].to"),
        ({"publish": [{**PORT, "chain": "DOCKER"}]}, "publish[0].chain"),
        ({"accept": ["everything"]}, "accept"),
        ({"table": "filter"}, "table"),
    ],
)
def test_it_refuses_bad_input_and_names_the_field(
    changed: dict[str, Any], field: str, api: Callable[[str], Api]
) -> None:
    host_that_is(observed())
    answer = api("alice").post("/changes", {**BODY, "spec": {**SPEC, **changed}})
    assert answer.status == 422
    assert field in [f for f, _ in answer.problems]
    assert not Change.objects.exists()


def test_it_is_for_operators(api: Callable[[str], Api]) -> None:
    host_that_is(observed())
    assert api("carol").post("/changes", BODY).status == 403
    assert not Change.objects.exists()


def succeeded(before: Observed, by: User) -> Change:
    plan = make_plan(before, parse_spec("nat", SPEC), (), 1)
    assert not plan.blocked, plan.findings
    change = change_row(host_that_is(before), by, State.SUCCEEDED, plan=plan, kind="nat", spec=SPEC)
    job_row(change)
    return change


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (without_nat(observed()), {"subnet": SUBNET, "mode": "none"}),
        (
            with_setting(without_nat(observed()), 12, exclude=["192.168.0.0/16"]),
            {"subnet": SUBNET, "mode": "masquerade", "exclude": ["192.168.0.0/16"]},
        ),
    ],
)
def test_it_reverts_to_the_former_setting(
    before: Observed, wanted: dict[str, Any], api: Callable[[str], Api], people: dict[str, User]
) -> None:
    change = succeeded(before, people["alice"])
    answer = api("dan").post(f"/changes/{change.pk}/revert")
    assert answer.status == 201
    back = Change.objects.get(pk=answer.json["id"])
    assert (back.kind, back.reverts) == ("nat", change)
    assert parse_spec("nat", back.spec) == parse_spec("nat", wanted)


def test_it_reverts_nothing_whose_past_is_not_known(
    api: Callable[[str], Api], people: dict[str, User]
) -> None:
    change = succeeded(without_nat(observed()), people["alice"])
    assert change.plan is not None
    Change.objects.filter(pk=change.pk).update(plan={**change.plan, "basis": {}})
    answer = api("dan").post(f"/changes/{change.pk}/revert")
    assert (answer.status, answer.problems) == (409, [("", "former-unknown")])
    assert Change.objects.count() == 1
