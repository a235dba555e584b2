"""Plans of a NAT change on a hand-made host: steps, findings, what an approval binds."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface
from typing import Any

import pytest
from attrs import evolve

from netops.engine.desired_nat import parse
from netops.engine.desired_subnet import parse as parse_subnet
from netops.engine.errors import Stale
from netops.engine.nat.audit import audit
from netops.engine.nat.own import own_rules
from netops.engine.nat_setting import NatSetting, NatState
from netops.engine.observed import Address, DockerDaemon, Firewall, Listener, Observed
from netops.engine.plan import Plan
from netops.engine.planner import make_plan, require_same
from tests.engine.made_hosts import container, host, network, plus, publish

SUBNET = "172.17.0.0/16"
PORT = {"protocol": "tcp", "host_port": 8080, "to": "172.17.0.10:80"}
DOCKERS = (
    ":PREROUTING ACCEPT", ":OUTPUT ACCEPT", ":POSTROUTING ACCEPT", ":DOCKER -",
    "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
    f"-A POSTROUTING -s {SUBNET} ! -o docker0 -j MASQUERADE",
)  # fmt: skip
OPEN, SHUT = (":FORWARD ACCEPT",), (":FORWARD DROP",)


def bare(**more: Any) -> Observed:
    """A host whose Docker makes no rules."""
    return host(**{"firewall": Firewall("nft", "1.8.9", forward=OPEN), **more})


def with_docker(**more: Any) -> Observed:
    """A host whose Docker makes its rules."""
    return host(**{"firewall": Firewall("nft", "1.8.9", nat=DOCKERS, forward=OPEN), **more})


def spec(mode: str = "masquerade", **more: Any) -> dict[str, Any]:
    return {"subnet": SUBNET, "mode": mode, **more}


def plan(observed: Observed, mode: str = "masquerade", **more: Any) -> Plan:
    return make_plan(observed, parse(spec(mode, **more)), (), 7)


def codes(made: Plan) -> dict[str, str]:
    return {finding.code: finding.severity for finding in made.findings}


def kept(observed: Observed, number: int = 7, **more: Any) -> Observed:
    """The host after a NAT change: its setting, and all its rules."""
    desired = parse({**spec(), **more})
    one = NatSetting(desired.to_spec(), "docker0", number)
    lines = [":PREROUTING ACCEPT", ":OUTPUT ACCEPT", ":POSTROUTING ACCEPT"]
    for chain, rules in own_rules([one])["nat"].chains.items():
        parent = chain.removeprefix("DOCKERNET-")
        lines += [f":{chain} -", f"-A {parent} -m comment --comment dockernet -j {chain}"]
        lines += [f"-A {chain} {rule.line()}" for rule in rules]
    firewall = evolve(observed.firewall, nat=tuple(lines))
    return evolve(observed, nat=NatState((one,)), firewall=firewall)


def test_it_sets_the_rules_and_proves_them() -> None:
    made = plan(bare())
    assert [step.kind for step in made.steps] == [
        "nat_remember", "nat_rules", "forget_connections", "verify_nat",
    ]  # fmt: skip
    commands = made.steps[1].command.splitlines()
    assert commands[0] == "iptables -t nat -N DOCKERNET-POSTROUTING"
    assert '--comment "dockernet 172.17.0.0/16 change 7" -j MASQUERADE' in commands[1]
    assert commands[2].startswith("iptables -t nat -I POSTROUTING 1 ")
    assert made.steps[1].params["before"] == []
    assert len(made.steps[1].params["after"]) == 1  # type: ignore[arg-type]
    assert made.expected_outage_s == 0.0


def test_it_opens_forward_only_where_its_policy_drops() -> None:
    shut = bare(firewall=Firewall("nft", forward=SHUT))
    assert "DOCKERNET-FORWARD" in plan(shut).steps[1].command
    assert "DOCKERNET-FORWARD" not in plan(bare()).steps[1].command
    # Docker 20.10 to 27, and from 28 on: there its bridges are kept apart behind DOCKER-FORWARD.
    for jump in ("-o docker0 -j DOCKER", "-j DOCKER-FORWARD"):
        dockers = (*SHUT, "-A FORWARD -j DOCKER-USER", f"-A FORWARD {jump}")
        served = bare(firewall=Firewall("nft", forward=dockers))
        assert "DOCKERNET-FORWARD" not in plan(served).steps[1].command


def test_it_switches_forwarding_on_where_it_is_off() -> None:
    made = plan(bare(ip_forward=False))
    assert made.steps[1].kind == "forward_on"
    assert codes(made)["switches-forwarding-on"] == "warning"


def test_it_takes_its_word_for_the_next_boot_back_with_the_last_setting() -> None:
    observed = kept(bare())
    (one,) = observed.nat.settings
    switched = evolve(observed, nat=NatState((evolve(one, forwarding_was_off=True),)))
    assert "forward_forget" in [step.kind for step in plan(switched, "none").steps]
    assert "forward_forget" not in [step.kind for step in plan(observed, "none").steps]
    assert "forward_forget" not in [
        step.kind for step in plan(switched, "snat", to_source="198.51.100.10").steps
    ]


@pytest.mark.parametrize(
    ("observed", "asked", "code"),
    [
        (kept(bare()), spec(), "no-change"),
        (bare(), spec("none"), "no-change"),
        (bare(), spec("snat", to_source="203.0.113.9"), "source-not-on-host"),
        (bare(), spec(out_interface="eth7"), "interface-unknown"),
        (bare(), spec(out_interface="docker0"), "interface-unknown"),
        (bare(networks=()), spec(), "subnet-unknown"),
        (bare(), spec(publish=[{**PORT, "to": "172.18.0.9:80"}]), "target-outside-subnet"),
        (bare(), spec(publish=[{**PORT, "to": "172.17.0.1:80"}]), "target-outside-subnet"),
        (plus(bare(), listeners=Listener("tcp", None, 8080)), spec(publish=[PORT]), "port-taken"),
        (plus(bare(), containers=container("web", publishes=(publish(),))), spec(publish=[PORT]),
         "port-taken"),
        (bare(firewall=Firewall("")), spec(), "firewall-unavailable"),
        (bare(firewall=Firewall("nft", left_out=9)), spec(), "observation-incomplete"),
        (bare(problems=("Links: broken.",)), spec(), "observation-incomplete"),
    ],
)  # fmt: skip
def test_it_blocks_what_cannot_be(observed: Observed, asked: dict[str, Any], code: str) -> None:
    made = make_plan(observed, parse(asked), (), 7)
    assert codes(made).get(code) == "blocker"
    assert made.blocked
    assert made.steps == ()


@pytest.mark.parametrize(
    ("observed", "asked", "code"),
    [
        (with_docker(), spec(), "docker-already-does-this"),
        (with_docker(), spec(out_interface="eth0", docker_chain=True), "docker-already-does-this"),
        (bare(), spec(publish=[PORT]), "exposes-port-publicly"),
        (bare(), spec(publish=[{**PORT, "host_ip": "10.8.8.8"}]), "publish-address-not-on-host"),
        (bare(firewall=Firewall("nft", forward=OPEN, front_ends=("firewalld",))), spec(),
         "firewalld-active"),
        (bare(firewall=Firewall("nft", forward=OPEN, front_ends=("ufw",))), spec(), "ufw-active"),
        (bare(firewall=Firewall("nft", forward=OPEN, other_nat=("-A X -j Y",))), spec(),
         "legacy-and-nft-both-in-use"),
    ],
)  # fmt: skip
def test_it_warns_of_what_an_approver_must_know(
    observed: Observed, asked: dict[str, Any], code: str
) -> None:
    made = make_plan(observed, parse(asked), (), 7)
    assert codes(made).get(code) == "warning"
    assert not made.blocked


def test_a_port_on_one_private_address_is_not_called_public() -> None:
    observed = plus(bare(), addresses=Address("eth0", IPv4Interface("10.1.1.5/24")))
    assert "exposes-port-publicly" not in codes(
        plan(observed, publish=[{**PORT, "host_ip": "10.1.1.5"}])
    )


def test_the_way_out_of_a_port_of_ones_own_is_free() -> None:
    observed = kept(bare(), publish=[PORT])
    again = plan(observed, publish=[PORT, {**PORT, "host_port": 8081}])
    assert not again.blocked


def test_rules_that_could_not_be_read_are_not_called_missing_iptables() -> None:
    unread = bare(firewall=Firewall(""), problems=("Firewall: The table nat has rules ...",))
    assert codes(plan(unread))["observation-incomplete"] == "blocker"
    assert "firewall-unavailable" not in codes(plan(unread))


def test_it_is_stale_when_what_decides_has_changed() -> None:
    made = plan(bare())
    require_same(made, bare(), (), 7)
    require_same(made, plus(bare(), containers=container("new")), (), 7)
    renamed = with_docker()
    with pytest.raises(Stale):
        require_same(made, renamed, (), 7)
    vpn = plus(bare(), addresses=Address("tun0", IPv4Interface("10.8.0.2/24")))
    require_same(made, vpn, (), 7)
    more = plus(bare(), networks=network("more", "172.30.0.0/16"))
    require_same(made, more, (), 7)
    moved = bare(addresses=(Address("docker0", IPv4Interface("172.17.0.1/16")),))
    with pytest.raises(Stale) as caught:
        require_same(made, moved, (), 7)
    assert any("eth0" in text for text in caught.value.differences)


def test_a_rule_more_at_the_end_of_forward_makes_no_plan_stale() -> None:
    shut = bare(firewall=Firewall("nft", forward=SHUT))
    made = plan(shut)
    longer = bare(firewall=Firewall("nft", forward=(*SHUT, "-A FORWARD -s 10.1.0.0/16 -j DROP")))
    assert require_same(made, longer, (), 7).digest == made.digest


def test_it_replaces_the_setting_there_is() -> None:
    observed = kept(bare(), number=3)
    made = plan(observed, "snat", to_source="198.51.100.10")
    before = made.steps[1].params["before"]
    assert isinstance(before, list)
    assert "change 3" in str(before[0])
    gone = plan(observed, "none")
    assert gone.steps[1].params["after"] == []
    assert "-X DOCKERNET-POSTROUTING" in gone.steps[1].command
    assert gone.steps[-1].params["setting"] is None


def states(observed: Observed) -> dict[str, tuple[str, str]]:
    return {str(e.subnet): (e.by, e.state) for e in audit(observed)}


def test_the_audit_tells_what_each_subnet_has() -> None:
    assert states(with_docker()) == {SUBNET: ("docker", "present")}
    assert states(bare()) == {SUBNET: ("nobody", "missing")}
    assert states(kept(bare())) == {SUBNET: ("dockernet", "present")}


def nat_of(observed: Observed, *lines: str) -> Observed:
    return evolve(observed, firewall=evolve(observed.firewall, nat=lines))


def test_the_audit_finds_what_is_wrong() -> None:
    rule = f"-A POSTROUTING -s {SUBNET} ! -o docker0 -j MASQUERADE"
    assert states(nat_of(bare(), ":POSTROUTING ACCEPT", rule, rule))[SUBNET][1] == "duplicate"
    other = bare(firewall=Firewall("nft", other_nat=(rule,)))
    assert states(other)[SUBNET][1] == "wrong-family"
    old = rule.replace("172.17.0.0/16", "10.9.0.0/24")
    left = nat_of(bare(), ":POSTROUTING ACCEPT", old, rule)
    assert states(left)["10.9.0.0/24"] == ("others", "subnet-gone")
    mine = kept(bare())
    shadowed = nat_of(mine, rule, *mine.firewall.nat)
    assert states(shadowed)[SUBNET] == ("dockernet", "shadowed")
    assert states(nat_of(mine))[SUBNET] == ("dockernet", "missing")
    moved = evolve(mine, networks=(network("bridge", "10.1.0.0/16", "docker0"),))
    assert states(moved)[SUBNET] == ("dockernet", "subnet-gone")


def test_each_fault_that_is_ours_to_mend_has_its_specification() -> None:
    for observed in (bare(), nat_of(kept(bare())), bare(firewall=Firewall("nft", other_nat=(
        f"-A POSTROUTING -s {SUBNET} ! -o docker0 -j MASQUERADE",)))):  # fmt: skip
        (entry,) = audit(observed)
        assert entry.mend is not None
        assert not make_plan(observed, parse(entry.mend), (), 9).blocked


def test_a_network_that_keeps_its_sources_lacks_nothing() -> None:
    inner = evolve(network("bridge", SUBNET, "docker0"), internal=True)
    (entry,) = audit(bare(networks=(inner,)))
    assert entry.state == "present"
    assert entry.mend is None


def test_no_iptables_no_audit() -> None:
    assert audit(bare(firewall=Firewall(""), daemon=DockerDaemon(False))) == ()


def test_a_source_on_the_host_is_taken() -> None:
    observed = plus(bare(), addresses=Address("eth0", IPv4Interface("198.51.100.12/24")))
    made = plan(observed, "snat", to_source="198.51.100.12")
    assert not made.blocked
    assert "--to-source 198.51.100.12" in made.steps[1].command
    assert IPv4Address("198.51.100.12") in [a.interface.ip for a in observed.addresses]


def moved(observed: Observed) -> Plan:
    return make_plan(observed, parse_subnet({"network": "bridge", "subnet": "10.9.0.0/24"}), (), 9)


def test_a_subnet_that_moves_takes_its_nat_along() -> None:
    made = moved(kept(bare()))
    (step,) = [step for step in made.steps if step.kind == "nat_rules"]
    kinds = [step.kind for step in made.steps]
    assert kinds.index("docker_start") < kinds.index("nat_rules") < kinds.index("verify_layers")
    assert step.params["subnet"] == SUBNET
    assert step.params["setting"]["spec"]["subnet"] == "10.9.0.0/24"  # type: ignore[index,call-overload]
    assert '-s 10.9.0.0/24 ! -o docker0 -m comment --comment "dockernet 10.9.0.0/24 change 9"' in (
        step.command
    )
    assert codes(made)["nat-setting-follows"] == "info"
    assert "rules-name-old-subnet" not in codes(made)
    assert not any(step.kind == "nat_rules" for step in moved(bare()).steps)


def test_ports_do_not_follow_a_subnet_that_moves() -> None:
    made = moved(kept(bare(), publish=[PORT]))
    assert codes(made)["published-ports-are-lost"] == "warning"
    (step,) = [step for step in made.steps if step.kind == "nat_rules"]
    assert "8080" not in "".join(
        line for line in step.command.splitlines() if " -A DOCKERNET" in line
    )
    alone = moved(kept(bare(), mode="none", publish=[PORT]))
    (step,) = [step for step in alone.steps if step.kind == "nat_rules"]
    assert step.params["setting"] is None
