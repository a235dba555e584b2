"""Published ports that lead to containers by name, or to whoever has a plain address."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface
from typing import Any

import pytest
from attrs import evolve

from netops.engine.adapters.docker_places import read_places
from netops.engine.desired_nat import parse
from netops.engine.desired_subnet import parse as parse_subnet
from netops.engine.errors import SpecInvalid, Stale
from netops.engine.nat.audit import NatEntry, audit
from netops.engine.nat.follow import moved, setting_now, state_now
from netops.engine.nat.own import own_rules
from netops.engine.nat.places import Place, Places, places_of
from netops.engine.nat_setting import NatSetting, NatState
from netops.engine.observed import Address, Container, Firewall, Observed
from netops.engine.plan import Plan
from netops.engine.planner import make_plan, require_same
from netops.engine.serial import from_json, to_json
from tests.engine.made_hosts import container, host, network, plus

SUBNET = "172.17.0.0/16"
WEB = {"protocol": "tcp", "host_port": 8080, "to": "web:80"}
PLAIN = {**WEB, "to": "172.17.0.2:80"}


def spec(*publish: dict[str, Any]) -> dict[str, Any]:
    return {"subnet": SUBNET, "mode": "masquerade", "publish": list(publish)}


def with_containers(*found: Container, **more: Any) -> Observed:
    firewall = Firewall("nft", "1.8.9", forward=(":FORWARD ACCEPT",))
    return host(**{"firewall": firewall, "containers": found, **more})


def kept(observed: Observed, *publish: dict[str, Any]) -> Observed:
    """The host with a setting made on it, and its rules."""
    asked = parse(spec(*publish)).to_spec()
    one = setting_now(NatSetting(asked, "docker0", 7), places_of(observed))
    lines = [":PREROUTING ACCEPT", ":OUTPUT ACCEPT", ":POSTROUTING ACCEPT"]
    for chain, rules in own_rules([one])["nat"].chains.items():
        parent = chain.removeprefix("DOCKERNET-")
        lines += [f":{chain} -", f"-A {parent} -m comment --comment dockernet -j {chain}"]
        lines += [f"-A {chain} {rule.line()}" for rule in rules]
    forward = [":FORWARD ACCEPT", ":DOCKERNET-FORWARD -"]
    forward.append("-A FORWARD -m comment --comment dockernet -j DOCKERNET-FORWARD")
    for rule in own_rules([one])["filter"].chains.get("DOCKERNET-FORWARD", ()):
        forward.append(f"-A DOCKERNET-FORWARD {rule.line()}")
    firewall = evolve(observed.firewall, nat=tuple(lines), forward=tuple(forward))
    return evolve(observed, nat=NatState((one,)), firewall=firewall)


def later(observed: Observed, *found: Container) -> Observed:
    """The same host with other containers."""
    return evolve(observed, containers=found)


def plan(observed: Observed, *publish: dict[str, Any]) -> Plan:
    return make_plan(observed, parse(spec(*publish)), (), 7)


def codes(made: Plan) -> dict[str, str]:
    return {finding.code: finding.severity for finding in made.findings}


def entry(observed: Observed) -> NatEntry:
    (one,) = audit(observed)
    return one


SWAPPED = (container("web", 3), container("admin", 2))


def test_a_name_is_read_and_written_as_it_was_asked() -> None:
    desired = parse(spec(WEB))
    (publish,) = desired.publish
    assert (publish.container, publish.to, publish.to_port) == ("web", None, 80)
    assert publish.text == "tcp 8080 → web:80"
    assert desired.to_spec()["publish"] == [WEB]
    assert parse(desired.to_spec()) == desired


@pytest.mark.parametrize(
    "to", ["web", "web:0", ":80", "w b:80", "-web:80", "web;x:80", "172.17.0:80", "1.2.3.4.5:80",
           "w:80", "[::1]:80", f"{'a' * 129}:80"],
)  # fmt: skip
def test_what_names_no_container_and_port_is_refused(to: str) -> None:
    with pytest.raises(SpecInvalid) as caught:
        parse(spec({**WEB, "to": to}))
    assert [(f, c) for f, c, _ in caught.value.problems] == [("publish[0].to", "not-address-port")]


def test_a_setting_of_before_is_read() -> None:
    data = to_json(NatSetting(spec(PLAIN), "docker0", 7))
    del data["leads"]
    old = from_json(NatSetting, data)
    assert old.leads == ()
    assert [p.to for p in old.publishes] == [IPv4Address("172.17.0.2")]


def test_the_plan_shows_name_and_address() -> None:
    made = plan(with_containers(container("web")), WEB)
    assert not made.blocked
    assert "--to-destination 172.17.0.2:80" in made.steps[1].command
    assert "# tcp 8080 → web:80 (172.17.0.2)" in made.steps[1].command
    assert made.basis["published containers"] == {"web": "172.17.0.2"}
    assert "publish-address-not-fixed" not in codes(made)


@pytest.mark.parametrize(
    "found",
    [(), (container("other"),), (container("web", state="exited", endpoints=()),),
     (container("web", endpoints=(evolve(container("web").endpoints[0], ipv4=None),)),),
     (container("web", endpoints=(evolve(container("web").endpoints[0], network="x"),)),)],
)  # fmt: skip
def test_a_container_that_is_not_there_is_a_blocker(found: tuple[Container, ...]) -> None:
    made = plan(with_containers(*found), WEB)
    assert codes(made)["publish-container-unknown"] == "blocker"
    assert made.steps == ()


def test_an_address_that_docker_gave_is_a_warning() -> None:
    given = container("web")
    fixed = evolve(given.endpoints[0], static_ipv4=IPv4Address("172.17.0.2"))
    assert codes(plan(with_containers(given), PLAIN))["publish-address-not-fixed"] == "warning"
    for found in ((), (evolve(given, endpoints=(fixed,)),)):
        assert "publish-address-not-fixed" not in codes(plan(with_containers(*found), PLAIN))


@pytest.mark.parametrize("port", [WEB, PLAIN])
def test_a_plan_is_stale_when_its_target_has_moved(port: dict[str, Any]) -> None:
    observed = with_containers(container("web"), container("admin", 3))
    made = plan(observed, port)
    require_same(made, observed, (), 7)
    with pytest.raises(Stale) as caught:
        require_same(made, later(observed, *SWAPPED), (), 7)
    assert any("Published port's target" in text for text in caught.value.differences)


def test_the_rules_follow_a_name_and_no_plain_address() -> None:
    before = kept(with_containers(container("web"), container("admin", 3)), WEB,
                  {**PLAIN, "host_port": 8081})  # fmt: skip
    now = state_now(before.nat, places_of(later(before, *SWAPPED)))
    (one,) = now.settings
    assert [str(p.to) for p in one.publishes] == ["172.17.0.3", "172.17.0.2"]
    assert one.leads[1].container == "web"
    assert list(moved(before.nat, now)) == ["web has 172.17.0.3 now: port tcp 8080 leads there"]
    gone = state_now(now, places_of(later(before, container("admin", 3))))
    assert [str(p.to) for p in gone.settings[0].publishes] == ["172.17.0.2"]
    assert "leads nowhere" in "".join(moved(now, gone))


def test_a_loop_of_restarts_keeps_its_address_until_another_has_it() -> None:
    setting = kept(with_containers(container("web")), WEB).nat.settings[0]
    networks = (network("bridge", SUBNET, "docker0"),)
    loops = Place("web", "bridge", "restarting")
    assert setting_now(setting, Places(networks, (loops,))) == setting
    taken = Place("admin", "bridge", "running", IPv4Address("172.17.0.2"))
    assert setting_now(setting, Places(networks, (loops, taken))).publishes == ()


def test_the_audit_compares_who_has_the_address() -> None:
    before = kept(with_containers(container("web"), container("admin", 3)), WEB)
    assert entry(before).state == "present"
    found = entry(later(before, *SWAPPED))
    assert (found.state, found.mend) == ("missing", parse(spec(WEB)).to_spec())
    assert entry(later(before, container("web", state="exited", endpoints=()))).mend is None

    plain = kept(with_containers(container("web"), container("admin", 3)), PLAIN)
    assert entry(plain).state == "present"
    assert entry(later(plain, container("admin", 3))).state == "present"
    found = entry(later(plain, *SWAPPED))
    assert found.state == "missing"
    assert "web" in found.message
    assert "admin" in found.message
    assert found.mend is not None
    assert found.mend["publish"] == [WEB]
    assert not make_plan(later(plain, *SWAPPED), parse(found.mend), (), 9).blocked


def test_the_audit_compares_the_bridge() -> None:
    before = kept(with_containers(container("web")), WEB)
    anew = evolve(before, networks=(network("bridge", SUBNET, "br-new"),))
    found = entry(anew)
    assert (found.state, found.mend is not None) == ("missing", True)
    assert "docker0" in found.message
    (one,) = state_now(before.nat, places_of(anew)).settings
    assert one.bridge == "br-new"


def test_publishing_the_same_again_is_no_change() -> None:
    before = kept(with_containers(container("web"), container("admin", 3)), PLAIN)
    assert codes(plan(before, PLAIN))["no-change"] == "blocker"
    # The same words for another container are a change.
    assert "no-change" not in codes(plan(later(before, *SWAPPED), PLAIN))
    old = evolve(before, nat=NatState((evolve(before.nat.settings[0], leads=()),)))
    assert codes(plan(old, PLAIN))["no-change"] == "blocker"


def test_a_port_by_name_follows_a_subnet_that_moves() -> None:
    before = kept(with_containers(container("web")), WEB, {**PLAIN, "host_port": 8081})
    wish = parse_subnet({"network": "bridge", "subnet": "10.9.0.0/24"})
    made = make_plan(before, wish, (), 9)
    (step,) = [step for step in made.steps if step.kind == "nat_rules"]
    assert step.params["setting"]["spec"]["publish"] == [WEB]  # type: ignore[index,call-overload]
    (lost,) = [f for f in made.findings if f.code == "published-ports-are-lost"]
    assert "8081" in lost.message
    assert "8080" not in lost.message


def test_places_are_read_from_a_list_of_containers() -> None:
    data = {
        "Names": ["/other/alias", "/web"],
        "State": "running",
        "NetworkSettings": {"Networks": {
            "bridge": {"IPAddress": "172.17.0.2", "IPAMConfig": None},
            "app": {"IPAddress": "10.66.0.9", "IPAMConfig": {"IPv4Address": "10.66.0.9"}},
        }},
    }  # fmt: skip
    assert list(read_places(data)) == [
        Place("web", "app", "running", IPv4Address("10.66.0.9"), fixed=True),
        Place("web", "bridge", "running", IPv4Address("172.17.0.2")),
    ]


@pytest.mark.parametrize(
    ("to", "link", "code"),
    [
        ("127.0.0.1", "", "source-not-usable"),
        ("127.0.0.9", "", "source-not-usable"),
        ("172.17.0.1", "", "source-not-usable"),
        ("203.0.113.7", "lo", "source-on-loopback"),
    ],
)
def test_a_source_that_nobody_can_answer_is_a_blocker(to: str, link: str, code: str) -> None:
    observed = with_containers()
    if link:
        observed = plus(observed, addresses=Address(link, IPv4Interface(f"{to}/32")))
    asked = {"subnet": SUBNET, "mode": "snat", "to_source": to}
    made = make_plan(observed, parse(asked), (), 9)
    assert [f.code for f in made.findings if f.severity == "blocker"] == [code]
    accepted = {**asked, "accept": ["source-on-loopback"]}
    assert make_plan(observed, parse(accepted), (), 9).blocked is (code == "source-not-usable")
