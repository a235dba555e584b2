"""Specifications of a subnet change: what is taken, and every fault of what is not."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netops.engine.desired import KINDS, parse_spec
from netops.engine.desired_subnet import DesiredSubnet, parse
from netops.engine.errors import SpecInvalid


def problems(spec: object) -> list[tuple[str, str]]:
    with pytest.raises(SpecInvalid) as caught:
        parse(spec)
    assert all(message.endswith(".") for _, _, message in caught.value.problems)
    return [(field, code) for field, code, _ in caught.value.problems]


def spec(subnet: object = "192.168.225.0/24", **more: object) -> dict[str, object]:
    return {"network": "bridge", "subnet": subnet, **more}


def test_it_takes_the_first_host_address_for_the_gateway() -> None:
    desired = parse(spec())
    assert desired == DesiredSubnet(IPv4Network("192.168.225.0/24"), IPv4Address("192.168.225.1"))
    assert str(desired.interface) == "192.168.225.1/24"


def test_it_takes_a_gateway_and_accepted_codes() -> None:
    desired = parse(spec(gateway="192.168.225.254", accept=["swarm-node", "overlaps-route"]))
    assert desired.gateway == IPv4Address("192.168.225.254")
    assert desired.accept == ("overlaps-route", "swarm-node")


@pytest.mark.parametrize(
    ("given_", "field", "code"),
    [
        (spec("192.168.225.7/24"), "subnet", "host-bits"),
        (spec("fd00::/64"), "subnet", "not-ipv4"),
        (spec("192.168.225.0"), "subnet", "not-ipv4"),
        (spec("192.168.225.0/255.255.255.0"), "subnet", "not-ipv4"),
        (spec("192.168.225.0/33"), "subnet", "not-ipv4"),
        (spec("192.168.225.0/²4"), "subnet", "not-ipv4"),
        (spec("a" * 500), "subnet", "not-ipv4"),
        (spec("127.1.0.0/16"), "subnet", "loopback"),
        (spec("224.1.0.0/16"), "subnet", "multicast"),
        (spec("169.254.0.0/16"), "subnet", "link-local"),
        (spec("0.0.0.0/0"), "subnet", "this-network"),
        (spec("64.0.0.0/2"), "subnet", "loopback"),
        (spec("250.0.0.0/8"), "subnet", "reserved"),
        (spec("192.168.225.0/31"), "subnet", "prefix-too-long"),
        (spec(""), "subnet", "required"),
        (spec(None), "subnet", "required"),
        (spec(17), "subnet", "type"),
        (spec(["192.168.225.0/24"]), "subnet", "type"),
        (spec(gateway="192.168.226.1"), "gateway", "gateway-outside"),
        (spec(gateway="192.168.225.0"), "gateway", "gateway-is-network"),
        (spec(gateway="192.168.225.255"), "gateway", "gateway-is-broadcast"),
        (spec(gateway="fd00::1"), "gateway", "not-ipv4"),
        (spec(gateway=True), "gateway", "type"),
        (spec(accept="overlaps-route"), "accept", "type"),
        (spec(accept=["no-change"]), "accept", "accept-unknown"),
        (spec(accept=[["x"]]), "accept", "accept-unknown"),
        (spec(network="front"), "network", "network-unsupported"),
        ({"subnet": "192.168.225.0/24"}, "network", "required"),
        (spec(prefix=24), "prefix", "unknown-field"),
        ("192.168.225.0/24", "", "type"),
        (None, "", "type"),
    ],
)
def test_it_names_the_field_and_the_fault(given_: object, field: str, code: str) -> None:
    assert (field, code) in problems(given_)


def test_it_says_the_network_that_was_meant() -> None:
    with pytest.raises(SpecInvalid, match=r"the network is 192\.168\.225\.0/24"):
        parse(spec("192.168.225.9/24"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            "192.168.225.7",
            "lacks its prefix length; write it like 192.168.225.0/24.",
        ),
        ("10.1.2.0/255.255.255.0", "write it with its prefix length: 10.1.2.0/24."),
        ("10.1.2.0/", "“10.1.2.0/” is not an IPv4 network"),
        ("10.1.2/24", "“10.1.2/24” is not an IPv4 network"),
    ],
)
def test_it_says_how_the_network_is_written(typed: str, said: str) -> None:
    with pytest.raises(SpecInvalid) as caught:
        parse(spec(typed))
    assert said in str(caught.value)
    assert problems(spec(typed)) == [("subnet", "not-ipv4")]


def test_it_collects_every_fault_at_once() -> None:
    found = problems({"network": "x", "subnet": "10.0.0.1/8", "gateway": "y", "zone": 1})
    assert found == [
        ("network", "network-unsupported"),
        ("subnet", "host-bits"),
        ("gateway", "not-ipv4"),
        ("zone", "unknown-field"),
    ]


def test_it_refuses_a_kind_that_it_does_not_know() -> None:
    with pytest.raises(SpecInvalid, match="known are subnet"):
        parse_spec("vlan", {})


private = st.sampled_from(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]).map(IPv4Network)


@st.composite
def desired_subnets(draw: Any) -> DesiredSubnet:
    pool = draw(private)
    prefixlen = draw(st.integers(max(pool.prefixlen, 9), 30))
    index = draw(st.integers(0, 2 ** (prefixlen - pool.prefixlen) - 1))
    start = int(pool.network_address) + index * 2 ** (32 - prefixlen)
    subnet = IPv4Network((start, prefixlen))
    gateway = subnet[draw(st.integers(1, subnet.num_addresses - 2))]
    accept = draw(st.sets(st.sampled_from(KINDS["subnet"].acceptable)))
    return DesiredSubnet(subnet, gateway, tuple(sorted(accept)))


@given(desired_subnets())
def test_it_round_trips_to_its_specification(desired: DesiredSubnet) -> None:
    assert parse(desired.to_spec()) == desired


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
fields = st.sampled_from(["network", "subnet", "gateway", "accept"]) | st.text()


@given(st.dictionaries(fields, json_values) | json_values)
def test_it_never_breaks_on_what_people_send(anything: object) -> None:
    with pytest.raises(SpecInvalid) as caught:
        parse(anything)
    for _, code, message in caught.value.problems:
        assert code
        assert message.isprintable()
