"""The rule that drops a forwarded packet, and those by which another client's may pass; no host."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from netops.engine.nat.forwarded import Fate, Forwarded, fate
from netops.engine.nat.ruleset import tables_of

TO = IPv4Address("172.17.0.2")
IN = Forwarded("tcp", None, None, TO, 80, "vethdnp1", "docker0", ("NEW", "DNAT"), "-i")
BACK = Forwarded("tcp", TO, 80, None, None, "docker0", "vethdnp1", ("ESTABLISHED", "DNAT"), "-o")
DOCKERS = (
    "FORWARD -j DOCKER-USER",
    "FORWARD -j DOCKER-ISOLATION-STAGE-1",
    "FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "FORWARD -o docker0 -j DOCKER",
    "FORWARD -i docker0 ! -o docker0 -j ACCEPT",
    "DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2",
    "DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP",
    "DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT",
)
OURS = (
    "FORWARD -m comment --comment dockernet -j DOCKERNET-FORWARD",
    "DOCKERNET-FORWARD -d 172.17.0.2/32 -o docker0 -p tcp -m tcp --dport 80 -m conntrack "
    "--ctstate DNAT -j ACCEPT",
)
CLOSED = "DOCKER-USER -p tcp --dport 80 -j DROP"
REJECT = "FORWARD -j REJECT --reject-with icmp-host-prohibited"


def found(*rules: str, packet: Forwarded = IN, policy: str = "ACCEPT") -> Fate:
    chains = dict.fromkeys(rule.split()[0] for rule in rules)
    heads = [f":{name} -" for name in chains if name != "FORWARD"]
    lines = ["*filter", f":FORWARD {policy}", *heads, *(f"-A {rule}" for rule in rules)]
    return fate(tables_of("\n".join(lines))["filter"], packet, {"lo", "docker0"})


@pytest.mark.parametrize(
    ("rules", "drop"),
    [
        ((REJECT,), f"-A {REJECT}"),
        ((REJECT, *OURS), f"-A {REJECT}"),
        ((*OURS, REJECT), ""),
        ((*DOCKERS, REJECT), ""),
        ((CLOSED, *DOCKERS), f"-A {CLOSED}"),
        (("DOCKER-USER -p udp --dport 80 -j DROP", *DOCKERS), ""),
        (("DOCKER-USER -p tcp --dport 81:90 -j DROP", *DOCKERS), ""),
        (("DOCKER-USER -d 10.0.0.0/8 -j DROP", *DOCKERS), ""),
        (("DOCKER-USER -j RETURN", "DOCKER-USER -j DROP", *DOCKERS), ""),
        # One that may fit is a suspect where none surely does.
        (("FORWARD -s 203.0.113.9/32 -j DROP",), "-A FORWARD -s 203.0.113.9/32 -j DROP"),
        (("FORWARD -s 203.0.113.9/32 -j DROP", REJECT), f"-A {REJECT}"),
        (("FORWARD -m conntrack --ctstate INVALID -j DROP", REJECT), f"-A {REJECT}"),
    ],
)  # fmt: skip
def test_it_names_the_rule_that_drops_a_clients_packet(rules: tuple[str, ...], drop: str) -> None:
    assert found(*rules) == Fate(drop)


def test_a_policy_is_named_too() -> None:
    assert found("FORWARD -i docker0 -j ACCEPT", policy="DROP") == Fate("-P FORWARD DROP")


@pytest.mark.parametrize(
    "rule",
    [
        "FORWARD -i eth0 -j ACCEPT",
        "FORWARD -i eth+ -o docker0 -j ACCEPT",
        "FORWARD ! -i eth0 -j REJECT",
        "FORWARD -s 10.0.0.0/8 -j ACCEPT",
        "FORWARD -m set --match-set office src -j ACCEPT",
    ],
)
def test_rules_by_which_another_client_may_pass_are_named(rule: str) -> None:
    assert found(rule, REJECT).others == (f"-A {rule}",)


@pytest.mark.parametrize(
    "rule",
    [
        "FORWARD -i docker0 -j ACCEPT",
        "FORWARD -i eth0 -d 10.0.0.0/8 -j ACCEPT",
        "FORWARD -i virbr0 -o virbr0 -j ACCEPT",
        "FORWARD -i eth0 -p udp -j ACCEPT",
        "FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "FORWARD -i eth0 -j LOG",
        "FORWARD -s 203.0.113.9/32 -j DROP",
    ],
)
def test_rules_that_let_no_client_in_are_not(rule: str) -> None:
    assert found(rule, REJECT) == Fate(f"-A {REJECT}")


def test_it_names_the_rule_that_drops_the_answer() -> None:
    assert found(*OURS, REJECT, packet=BACK) == Fate(f"-A {REJECT}")
    back = "FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT"
    assert found(back, REJECT, packet=BACK) == Fate()
    out = "FORWARD -i docker0 -o eth0 -j ACCEPT"
    assert found(out, REJECT, packet=BACK) == Fate(f"-A {REJECT}", (f"-A {out}",))


def test_a_chain_that_jumps_to_itself_ends() -> None:
    assert found("FORWARD -j A", "A -j B", "B -j A", REJECT) == Fate(f"-A {REJECT}")
