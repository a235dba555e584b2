"""Our rules and the edits that make a table have them: nobody else's are in any of it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from netops.engine.adapters.firewall_restore import restore_text
from netops.engine.desired_nat import parse
from netops.engine.nat.edits import (
    ChainDelete,
    ChainMake,
    ChainRemove,
    ChainSet,
    Edit,
    JumpDelete,
    JumpInsert,
    edits_of,
    missing_of,
)
from netops.engine.nat.own import OwnTable, own_rules
from netops.engine.nat.rule import Rule
from netops.engine.nat.ruleset import EMPTY, Line, Table, lines_of, table_of, tables_of
from netops.engine.nat_setting import NatSetting

SUBNET = "192.168.225.0/24"
FOREIGN = """
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 192.168.225.0/24 ! -o docker0 -j MASQUERADE
-A POSTROUTING -m comment --comment "kept \\"so\\"" -j RETURN
-A DOCKER -i docker0 -j RETURN
COMMIT
*filter
:FORWARD DROP [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -j DOCKER
-A DOCKER-USER -j RETURN
COMMIT
"""


def setting(subnet: str = SUBNET, **spec: Any) -> NatSetting:
    desired = parse({"subnet": subnet, "mode": "masquerade", **spec})
    return NatSetting(desired.to_spec(), "docker0", 7, open_forward=True)


def done(live: Table, edits: list[Edit]) -> Table:
    """A table after edits, as the kernel would have it."""
    policies, rules = dict(live.policies), list(live.rules)
    for edit in edits:
        match edit:
            case ChainSet(chain, wanted):
                assert chain.startswith("DOCKERNET-")
                policies[chain] = "-"
                rules = [r for r in rules if r.chain != chain]
                rules += [Line(chain, rule.line()) for rule in wanted]
            case ChainMake(chain):
                assert chain not in policies
                policies[chain] = "-"
            case ChainRemove(chain):
                assert not [r for r in rules if chain in (r.chain, r.target)]
                del policies[chain]
            case ChainDelete(chain):
                assert not [r for r in rules if r.target == chain and r.chain != chain]
                rules = [r for r in rules if r.chain != chain]
                del policies[chain]
            case JumpDelete(chain, index, line):
                place = [n for n, r in enumerate(rules) if r.chain == chain][index]
                assert rules.pop(place) == line
            case JumpInsert(chain, index, rule):
                assert rule.target in policies
                places = [n for n, r in enumerate(rules) if r.chain == chain]
                at = places[index] if index < len(places) else len(rules)
                rules.insert(at, Line(chain, rule.line()))
    return Table(policies, tuple(rules))


def test_it_writes_a_rule_as_iptables_save_does() -> None:
    nat = own_rules([setting(exclude=["10.0.0.0/8"])])["nat"].chains["DOCKERNET-POSTROUTING"]
    comment = '-m comment --comment "dockernet 192.168.225.0/24 change 7"'
    assert [rule.line() for rule in nat] == [
        f"-s {SUBNET} -d 10.0.0.0/8 {comment} -j ACCEPT",
        f"-s {SUBNET} ! -o docker0 {comment} -j MASQUERADE",
    ]


def test_snat_names_its_source_and_its_link() -> None:
    one = setting(mode="snat", to_source="198.51.100.12", out_interface="eth0")
    (rule,) = own_rules([one])["nat"].chains["DOCKERNET-POSTROUTING"]
    assert rule.line().startswith(f"-s {SUBNET} -o eth0 ")
    assert rule.line().endswith("-j SNAT --to-source 198.51.100.12")


def test_it_leaves_every_rule_of_others_where_it_is() -> None:
    tables = tables_of(FOREIGN)
    publish = [{"protocol": "tcp", "host_port": 8080, "to": "192.168.225.10:80"}]
    for name, own in own_rules([setting(publish=publish)]).items():
        after = done(tables[name], edits_of(tables[name], own))
        assert after.foreign == tables[name].foreign
        assert edits_of(after, own) == []
        assert missing_of(after, own) == []
        back = done(after, edits_of(after, OwnTable()))
        assert back == tables[name]


def test_ours_stand_before_what_would_decide_first() -> None:
    table = tables_of(FOREIGN)["nat"]
    after = done(table, edits_of(table, own_rules([setting()])["nat"]))
    assert after.chain("POSTROUTING")[0].target == "DOCKERNET-POSTROUTING"
    # Docker inserts its own at the top whenever it makes the network.
    dockers = Line("POSTROUTING", f"-s {SUBNET} ! -o docker0 -j MASQUERADE")
    shadowed = evolve(after, rules=(dockers, *after.rules))
    own = own_rules([setting()])["nat"]
    assert missing_of(shadowed, own) == [
        "the jump from POSTROUTING to DOCKERNET-POSTROUTING was not where it decides"
    ]
    assert done(shadowed, edits_of(shadowed, own)).chain("POSTROUTING")[1] == dockers


def test_rules_for_other_sources_may_stand_before_ours() -> None:
    own = own_rules([setting()])["nat"]
    whole = done(EMPTY, edits_of(EMPTY, own))
    other = Line("POSTROUTING", "-s 172.30.0.0/16 ! -o br-1 -j MASQUERADE")
    assert edits_of(evolve(whole, rules=(other, *whole.rules)), own) == []
    every = Line("POSTROUTING", "-o eth0 -j MASQUERADE")
    assert edits_of(evolve(whole, rules=(every, *whole.rules)), own) != []


def test_in_forward_ours_come_after_the_administrators_own() -> None:
    table = tables_of(FOREIGN)["filter"]
    after = done(table, edits_of(table, own_rules([setting()])["filter"]))
    targets = [rule.target for rule in after.chain("FORWARD")]
    assert targets == ["DOCKER-USER", "DOCKERNET-FORWARD", "DOCKER"]


def test_it_makes_dockers_chain_and_removes_it_only_while_it_is_unused() -> None:
    one = evolve(setting(), own_docker=True)
    own = own_rules([one])["nat"]
    after = done(EMPTY, edits_of(EMPTY, own))
    assert "DOCKER" in after.policies
    assert [r.target for r in after.chain("DOCKERNET-PREROUTING")] == ["DOCKER"]
    gone = edits_of(after, OwnTable(), docker_was_ours=True)
    assert "DOCKER" not in done(after, gone).policies
    used = evolve(after, rules=(*after.rules, Line("DOCKER", "-j RETURN")))
    assert "DOCKER" in done(used, edits_of(used, OwnTable(), docker_was_ours=True)).policies
    assert "DOCKER" in done(after, edits_of(after, OwnTable())).policies


@pytest.mark.parametrize(
    "damage",
    [
        lambda rules: rules[1:],
        lambda rules: (*rules, rules[0]),
        lambda rules: tuple(r for r in rules if not r.chain.startswith("DOCKERNET")),
        lambda rules: tuple(
            Line(r.chain, r.text.replace("-j MASQ", "-m x -j MASQ")) for r in rules
        ),
    ],
)
def test_whatever_was_done_to_ours_is_undone(damage: Any) -> None:
    own = own_rules([setting()])["nat"]
    whole = done(EMPTY, edits_of(EMPTY, own))
    harmed = evolve(whole, rules=damage(whole.rules))
    assert missing_of(harmed, own)
    mended = done(harmed, edits_of(harmed, own))
    assert {c: mended.chain(c) for c in mended.policies} == {
        c: whole.chain(c) for c in whole.policies
    }


def test_matches_in_another_order_are_the_same_rule() -> None:
    one = Line("X", '-s 10.0.0.0/8 -m conntrack --ctstate RELATED,ESTABLISHED -m comment '
                    '--comment "a b" -j ACCEPT')  # fmt: skip
    other = Line("X", '-s 10.0.0.0/8 -m comment --comment "a b" -m conntrack '
                      "--ctstate ESTABLISHED,RELATED -j ACCEPT")  # fmt: skip
    assert one.identity == other.identity
    assert one.identity != Line("X", "! -s 10.0.0.0/8 -j ACCEPT").identity


@given(st.text(), st.text(), st.text())
def test_no_rule_is_made_of_words_of_others(target: str, comment: str, link: str) -> None:
    try:
        rule = Rule(target or "X", comment, IPv4Network(SUBNET), out_link=link)
    except ValueError:
        return
    text = restore_text({"nat": [ChainSet("DOCKERNET-POSTROUTING", (rule,))]})
    assert len(text.splitlines()) == 4
    assert set("\"'$`;|&\\") & set(text.replace('"', "", 2)) == set()


def test_only_what_is_of_the_right_type_gets_into_a_rule() -> None:
    hostile: Any = "10.0.0.1 -j ACCEPT"
    for field in ("source", "destination", "to", "l4_port", "to_port", "protocol"):
        with pytest.raises(ValueError, match="no rule is made"):
            Rule("SNAT", "c", **{field: hostile})
    assert Rule("SNAT", "c", to=IPv4Address("10.0.0.1")).words()[-1] == "10.0.0.1"


def test_a_table_is_the_same_after_being_told() -> None:
    table = tables_of(FOREIGN)["nat"]
    assert table_of(lines_of(table)) == table
