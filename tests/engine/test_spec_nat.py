"""Specifications of a NAT change: what is taken, and every fault of what is not."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netops.engine.desired import KINDS, parse_spec
from netops.engine.desired_nat import DesiredNat, NatPublish, parse
from netops.engine.errors import SpecInvalid

SUBNET = "192.168.225.0/24"
PORT = {"protocol": "tcp", "host_port": 8080, "to": "192.168.225.10:80"}
HOSTILE = (
    "eth0; reboot", "eth0 -j ACCEPT", "eth0\n-A INPUT -j ACCEPT", "$(id)", "`id`", "-eth0", "!eth0",
    "eth+", "et/h0", "a" * 16, " ", "eth0\x00", "ｅth0", "é0",
)  # fmt: skip


def problems(spec: object) -> list[tuple[str, str]]:
    with pytest.raises(SpecInvalid) as caught:
        parse(spec)
    assert all(message.endswith(".") for _, _, message in caught.value.problems)
    return [(field, code) for field, code, _ in caught.value.problems]


def spec(mode: object = "masquerade", **more: object) -> dict[str, object]:
    return {"subnet": SUBNET, "mode": mode, **more}


def test_it_takes_all_there_is() -> None:
    desired = parse(
        spec(
            "snat",
            to_source="198.51.100.12",
            out_interface="eth0.10",
            exclude=["192.168.0.0/16", "10.0.0.0/8"],
            docker_chain=True,
            publish=[{**PORT, "host_ip": "198.51.100.12"}, {**PORT, "protocol": "udp"}],
        )
    )
    assert desired.to_source == IPv4Address("198.51.100.12")
    assert desired.exclude == (IPv4Network("10.0.0.0/8"), IPv4Network("192.168.0.0/16"))
    first = NatPublish("tcp", IPv4Address("198.51.100.12"), 8080, IPv4Address("192.168.225.10"), 80)
    assert desired.publish[0] == first
    assert parse(desired.to_spec()) == desired
    assert parse_spec("nat", desired.to_spec()) == desired


def test_none_with_nothing_published_asks_for_nothing() -> None:
    assert parse(spec("none")).empty
    assert not parse(spec("none", publish=[PORT])).empty
    assert parse(spec("none", docker_chain=True)).empty
    assert not parse(spec()).empty


@pytest.mark.parametrize(
    ("given_", "field", "code"),
    [
        ({"mode": "masquerade"}, "subnet", "required"),
        ({"subnet": "192.168.225.7/24", "mode": "none"}, "subnet", "host-bits"),
        ({"subnet": "fd00::/64", "mode": "none"}, "subnet", "not-ipv4"),
        (spec(""), "mode", "required"),
        (spec("dnat"), "mode", "unknown-choice"),
        (spec(7), "mode", "type"),
        (spec("snat"), "to_source", "required"),
        (spec("snat", to_source="::1"), "to_source", "not-ipv4"),
        (spec("snat", to_source="eth0"), "to_source", "not-ipv4"),
        (spec(to_source="198.51.100.12"), "to_source", "not-with-mode"),
        (spec("none", out_interface="eth0"), "out_interface", "not-with-mode"),
        (spec("none", exclude=["10.0.0.0/8"]), "exclude", "not-with-mode"),
        (spec(exclude=["10.0.0.0/8", "10.1.0.0/16"]), "exclude", "overlapping"),
        (spec(exclude="10.0.0.0/8"), "exclude", "type"),
        (spec(exclude=[5]), "exclude", "type"),
        (spec(exclude=["fd00::/8"]), "exclude", "not-ipv4"),
        (spec(exclude=["10.0.0.0/8"] * 65), "exclude", "too-many"),
        (spec(docker_chain="yes"), "docker_chain", "type"),
        (spec(publish={}), "publish", "type"),
        (spec(publish=["tcp"]), "publish[0]", "type"),
        (spec(publish=[{**PORT, "protocol": "icmp"}]), "publish[0].protocol", "unknown-choice"),
        (spec(publish=[{**PORT, "host_port": 0}]), "publish[0].host_port", "port"),
        (spec(publish=[{**PORT, "host_port": 65536}]), "publish[0].host_port", "port"),
        (spec(publish=[{**PORT, "host_port": True}]), "publish[0].host_port", "port"),
        (spec(publish=[{**PORT, "host_port": "80"}]), "publish[0].host_port", "port"),
        (spec(publish=[{**PORT, "to": "192.168.225.10"}]), "publish[0].to", "not-address-port"),
        (spec(publish=[{**PORT, "to": "[::1]:80"}]), "publish[0].to", "not-address-port"),
        (spec(publish=[{**PORT, "to": "192.168.225.10:0"}]), "publish[0].to", "not-address-port"),
        (spec(publish=[{**PORT, "host_ip": "127.0.0.1"}]), "publish[0].host_ip", "not-usable"),
        (spec(publish=[PORT, {**PORT, "to": "192.168.225.11:80"}]), "publish[1].host_port",
         "published-twice"),
        (spec(publish=[{**PORT, "x": 1}]), "publish[0].x", "unknown-field"),
        (spec(rule="-j ACCEPT"), "rule", "unknown-field"),
        (spec(accept=["port-taken"]), "accept", "accept-unknown"),
    ],
)  # fmt: skip
def test_it_names_the_field_at_fault(given_: Any, field: str, code: str) -> None:
    assert (field, code) in problems(given_)


@pytest.mark.parametrize("text", HOSTILE)
def test_it_takes_no_words_of_others_for_an_interface(text: str) -> None:
    found = problems(spec(out_interface=text)) if text.strip() else [("out_interface", "")]
    assert {field for field, _ in found} == {"out_interface"}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner:
       st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_whatever_comes_it_is_refused_in_words(anything: Any) -> None:
    for given_ in (
        anything,
        spec(out_interface=anything),
        spec(publish=[anything]),
        spec(anything),
    ):
        with suppress(SpecInvalid):
            assert isinstance(parse(given_), DesiredNat)


def test_it_is_a_kind_of_change() -> None:
    assert KINDS["nat"].parse is parse
