"""Each finding code of a subnet change: where it stands, and where it does not."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

import pytest
from attrs import evolve

from netops.engine.desired import KINDS
from netops.engine.desired_subnet import DesiredSubnet, parse
from netops.engine.observed import (
    Address,
    ConfigValue,
    Controller,
    DaemonConfig,
    DockerDaemon,
    Firewall,
    Observed,
    Resolver,
    Route,
)
from netops.engine.plan import Finding
from netops.engine.planner import make_plan
from netops.engine.ports import Reserved
from tests.engine.made_hosts import (
    PATH,
    config,
    container,
    host,
    net,
    network,
    plus,
    publish,
    route,
)

NEW = "192.168.225.0/24"


def wanted(subnet: str = NEW, *accept: str, gateway: str = "") -> DesiredSubnet:
    spec = {"network": "bridge", "subnet": subnet, "accept": list(accept), "gateway": gateway}
    return parse(spec)


def found(
    observed: Observed, desired: DesiredSubnet | None = None, reserved: Reserved = ()
) -> dict[str, Finding]:
    plan = make_plan(observed, desired or wanted(), reserved)
    assert plan.blocked == (not plan.steps)
    return {finding.code: finding for finding in plan.findings}


def bridge_with(*containers: object) -> Observed:
    return host(containers=tuple(containers))


FIXED = {"fixed_cidr": "192.168.225.128/25", "default_gateway": "192.168.225.200"}
FLAG = DaemonConfig(PATH, None, (ConfigValue("bip", "10.9.0.1/24", "unit", "/u"),))
ETH1 = Address("eth1", IPv4Interface("192.168.225.9/16"))
TUN = route("192.168.0.0/16", "tun0")
BLACKHOLE = Route(100, net("192.168.225.64/26"), None, "")
DNS = Resolver(IPv4Address("192.168.225.53"), "/etc/resolv.conf")
SITE = Controller((IPv4Address("192.168.225.5"),), "eth0")
RULE = "-A INPUT -s 172.17.0.4/32 -j ACCEPT"
DAEMON = host().daemon

POSITIVE = [
    ("overlaps-docker-network", "blocker", plus(host(), networks=network("a", "192.168.0.0/16"))),
    ("overlaps-host-address", "blocker", plus(host(), addresses=ETH1)),
    ("overlaps-route", "blocker", plus(host(), routes=TUN)),
    ("overlaps-route", "blocker", plus(host(), routes=BLACKHOLE)),
    ("overlaps-dns", "blocker", plus(host(), resolvers=DNS)),
    ("drops-routes", "warning", plus(host(), routes=route("10.9.0.0/16", "docker0", "172.17.0.5"))),
    ("overlaps-controller", "blocker", host(controller=SITE)),
    ("fixed-cidr-outside", "blocker", host(config=config(fixed_cidr="172.17.5.0/24"))),
    ("gateway-outside", "blocker", host(config=config(default_gateway="172.17.0.9"))),
    ("bridge-not-managed", "blocker", host(config=config(bridge="br0"))),
    ("bridge-not-managed", "blocker", host(config=config(bridge="none"), networks=())),
    ("bridge-not-managed", "blocker", host(networks=())),
    ("config-unreadable", "blocker", host(config=DaemonConfig(PATH, "{", error="not JSON"))),
    ("config-flag-conflict", "blocker", host(config=FLAG)),
    ("config-flag-conflict", "blocker", host(config=evolve(config(), conflicts=("bip",)))),
    ("docker-not-running", "blocker", host(daemon=DockerDaemon(False), networks=())),
    ("docker-not-a-service", "blocker", host(service=evolve(host().service, active=False))),
    ("observation-incomplete", "blocker", host(problems=("Routes: no.",))),
    ("host-problem", "warning", host(problems=("A note.",))),
    ("swarm-node", "blocker", host(daemon=evolve(DAEMON, swarm_active=True))),
    ("removes-container", "blocker", bridge_with(container("a", auto_remove=True))),
    ("host-ip-bound", "blocker", bridge_with(container("a", publishes=(publish("172.17.0.1"),)))),
    ("controller-through-bridge", "warning",
     host(controller=Controller((IPv4Address("172.17.0.2"),), "docker0"))),
    ("extra-addresses", "warning",
     plus(host(), addresses=Address("docker0", IPv4Interface("10.5.0.1/24")))),
    ("rules-name-old-subnet", "warning", host(firewall=Firewall("nft", rules=(RULE,)))),
    ("starts-stopped-containers", "warning", bridge_with(container("a", state="exited"))),
    ("container-restarting", "warning", bridge_with(container("a", state="restarting"))),
    ("ignores-stop-signal", "warning", bridge_with(container("a", heeds_stop_signal=False))),
    ("restarts-containers", "info", bridge_with(container("a"))),
    ("starts-unmanaged-containers", "info", bridge_with(container("a", restart_policy="no"))),
    ("live-restore", "info", host(daemon=evolve(DAEMON, live_restore=True))),
    ("default-address-pools", "info",
     host(config=config(default_address_pools=[{"base": "10.0.0.0/8", "size": 24}]))),
]  # fmt: skip


@pytest.mark.parametrize(("code", "severity", "observed"), POSITIVE)
def test_it_finds(code: str, severity: str, observed: Observed) -> None:
    finding = found(observed)[code]
    assert finding.severity == severity
    assert finding.message


def test_it_says_whether_docker0_has_the_address_that_docker_believes() -> None:
    extra = Address("docker0", IPv4Interface("10.5.0.1/24"))
    beside = found(plus(host(), addresses=extra))["extra-addresses"].message
    assert beside.startswith("docker0 has 10.5.0.1/24 beside 172.17.0.1/16.")
    alone = found(host(addresses=(extra,)))["extra-addresses"].message
    assert alone.startswith("docker0 has 10.5.0.1/24 in the kernel, not 172.17.0.1/16 as Docker")


NEGATIVE = [
    ("drops-routes", host()),
    ("drops-routes", plus(host(), routes=route("10.9.0.0/16", "eth0", "198.51.100.2"))),
    ("no-change", host()),
    ("overlaps-docker-network", plus(host(), networks=network("a", "192.168.224.0/24"))),
    ("overlaps-host-address", host()),
    ("overlaps-route", plus(host(), routes=route("128.0.0.0/1", "tun0"))),
    ("overlaps-route", plus(plus(host(), networks=network("a", "192.168.225.0/25")),
                            routes=route("192.168.225.0/25", "br-a", protocol="kernel"))),
    ("overlaps-route", plus(plus(host(), addresses=ETH1), routes=TUN.__class__(
        254, net("192.168.0.0/16"), None, "eth1", protocol="kernel"))),
    ("overlaps-dns", host()),
    ("overlaps-controller", host()),
    ("fixed-cidr-outside", host(config=config(**FIXED))),
    ("gateway-outside", host(config=config(**FIXED))),
    ("bridge-not-managed", host(config=config(bip="172.17.0.1/16"))),
    ("config-unreadable", host()),
    ("config-flag-conflict", host(config=config(bip="172.17.0.1/16"))),
    ("config-flag-conflict", host(config=DaemonConfig(
        PATH, None, (ConfigValue("bip", "172.17.0.1/16", "DOCKER_OPTS", "/etc/default/docker"),)))),
    ("docker-not-running", host()),
    ("observation-incomplete", host(problems=("A note.",))),
    ("swarm-node", host()),
    ("removes-container", bridge_with(container("a"), container("b", state="exited",
                                                                auto_remove=True))),
    ("host-ip-bound", bridge_with(container("a", publishes=(publish("198.51.100.10"),)))),
    ("host-ip-bound", bridge_with(container("a", publishes=(publish(),)))),
    ("controller-through-bridge", host()),
    ("extra-addresses", host()),
    ("rules-name-old-subnet", host(firewall=Firewall("nft", rules=(
        "-A INPUT -s 172.16.0.0/12 -j ACCEPT", "-A INPUT -s 10.0.0.1/32 -j DROP")))),
    ("starts-stopped-containers", bridge_with(container("a", state="exited",
                                                        restart_policy="unless-stopped"))),
    ("restarts-containers", host()),
    ("starts-unmanaged-containers", bridge_with(container("a"))),
    ("live-restore", host()),
    ("public-range", host()),
]  # fmt: skip


@pytest.mark.parametrize(("code", "observed"), NEGATIVE)
def test_it_does_not_find(code: str, observed: Observed) -> None:
    assert code not in found(observed)


def test_it_does_not_take_docker0_itself_for_an_overlap() -> None:
    codes = found(host(), wanted("172.17.0.0/24"))
    assert not [code for code in codes if code.startswith("overlaps")]


def test_it_finds_no_change_only_if_every_layer_agrees() -> None:
    same = wanted("172.17.0.0/16")
    agreed = host(config=config(bip="172.17.0.1/16"))
    assert found(agreed, same)["no-change"].severity == "blocker"
    assert "no-change" in found(host(), same)
    assert "no-change" not in found(host(config=config(bip="10.1.0.1/24")), same)
    assert "no-change" not in found(
        plus(agreed, addresses=Address("docker0", IPv4Interface("10.5.0.1/24"))), same
    )
    assert "no-change" not in found(agreed, wanted("172.17.0.0/16", gateway="172.17.0.254"))


def test_it_counts_running_containers_gateway_and_fixed_cidr() -> None:
    five = host(containers=tuple(container(f"c{n}", 2 + n) for n in range(5)))
    assert "too-small" not in found(five, wanted("192.168.225.0/29"))
    assert "/29" in found(five, wanted("192.168.225.0/30"))["too-small"].message
    late = plus(five, containers=container("late", 9, state="exited"))
    assert "too-small" in found(late, wanted("192.168.225.0/29"))
    within = evolve(five, config=config(fixed_cidr="192.168.225.8/30"))
    assert "too-small" in found(within, wanted())
    assert "too-small" not in found(evolve(five, config=config(**FIXED)), wanted())


def test_it_lets_a_port_stay_on_the_gateway_if_that_stays() -> None:
    bound = bridge_with(container("a", publishes=(publish("172.17.0.1"),)))
    assert "host-ip-bound" not in found(bound, wanted("172.17.0.0/24"))
    assert "host-ip-bound" in found(bound, wanted("172.17.0.0/24", gateway="172.17.0.9"))


def test_it_finds_what_the_team_reserved() -> None:
    reserved = [(net("192.168.224.0/20"), "the VPN")]
    assert "the VPN" in found(host(), reserved=reserved)["overlaps-reserved"].message
    assert "overlaps-reserved" not in found(host(), wanted("10.8.0.0/24"), reserved)


@pytest.mark.parametrize("subnet", ["8.8.8.0/24", "172.32.0.0/16", "192.0.0.0/8"])
def test_it_warns_of_a_public_range(subnet: str) -> None:
    assert found(host(), wanted(subnet))["public-range"].severity == "warning"


ACCEPTED = [
    ("removes-container", bridge_with(container("a", auto_remove=True))),
    ("host-ip-bound", bridge_with(container("a", publishes=(publish("172.17.0.1"),)))),
    ("overlaps-route", plus(host(), routes=TUN)),
    ("swarm-node", host(daemon=evolve(DAEMON, swarm_active=True))),
]


@pytest.mark.parametrize(("code", "observed"), ACCEPTED)
def test_it_turns_an_accepted_blocker_into_a_warning(code: str, observed: Observed) -> None:
    assert found(observed)[code].severity == "blocker"
    assert found(observed, wanted(NEW, code))[code].severity == "warning"


def test_it_has_a_case_for_each_code_that_can_be_accepted() -> None:
    assert {code for code, _ in ACCEPTED} == set(KINDS["subnet"].acceptable)
