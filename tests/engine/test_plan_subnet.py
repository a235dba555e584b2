"""The plan of a subnet change: its steps, its words, its digest, and when it is stale."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from netops.engine.desired_subnet import parse
from netops.engine.errors import Stale
from netops.engine.observed import Address, ConfigValue, DaemonConfig, Link, Observed
from netops.engine.plan import Plan
from netops.engine.planner import make_plan, require_same
from netops.engine.serial import from_json, to_json
from netops.engine.steps import registry, step_of
from tests.engine.made_hosts import PATH, config, container, host, network, plus, route

DESIRED = parse({"network": "bridge", "subnet": "192.168.225.0/24"})
BUSY = host(containers=(container("web", 2), container("job", 3, restart_policy="no")))


def plan(observed: Observed = BUSY) -> Plan:
    return make_plan(observed, DESIRED)


def commands(made: Plan) -> list[str]:
    return [step.command for step in made.steps]


def test_it_does_before_and_after_the_outage_all_that_can_be_done_there() -> None:
    kinds = [step.kind for step in plan().steps]
    assert kinds == [
        "remember", "write_config", "validate_config",
        "docker_stop", "link_set", "address_remove", "address_add", "link_set", "docker_start",
        "hold_range", "start_containers",
        "forget_connections", "verify_layers", "verify_containers", "look_again",
    ]  # fmt: skip
    assert set(kinds) | {"stop_containers"} <= set(registry())


def test_it_shows_what_a_person_would_type_on_each_init() -> None:
    typed = commands(plan())
    assert "service docker stop" in typed
    assert "ip addr del 172.17.0.1/16 dev docker0 && ip addr show dev docker0" in typed
    assert "ip addr add 192.168.225.1/24 dev docker0 && ip addr show dev docker0" in typed
    service = evolve(BUSY.service, manager="systemd", socket_unit=True)
    typed = commands(plan(evolve(BUSY, service=service)))
    assert "systemctl stop docker.socket docker.service" in typed
    assert "systemctl start docker.socket docker.service" in typed


def test_it_edits_docker_opts_only_if_a_network_flag_stands_there() -> None:
    def flags(*values: ConfigValue) -> Plan:
        where = DaemonConfig(PATH, None, values, flags_path="/etc/default/docker")
        return plan(evolve(BUSY, config=where))

    opts = "/etc/default/docker"
    title = {step.kind: step.title for step in flags(
        ConfigValue("fixed-cidr", "192.168.225.0/25", "DOCKER_OPTS", opts)).steps}  # fmt: skip
    assert title["write_config"].endswith(opts)
    assert "validate_config" not in title
    title = {step.kind: step.title for step in flags(
        ConfigValue("log-level", "warn", "DOCKER_OPTS", opts)).steps}  # fmt: skip
    assert title["write_config"].endswith(PATH)


def test_it_removes_every_address_of_docker0_the_main_one_last() -> None:
    more = plus(BUSY, addresses=Address("docker0", IPv4Interface("10.5.0.1/24")))
    gone = [s.params["address"] for s in plan(more).steps if s.kind == "address_remove"]
    assert gone == ["10.5.0.1/24", "172.17.0.1/16"]


def test_it_stops_containers_itself_only_with_live_restore() -> None:
    daemon = evolve(BUSY.daemon, live_restore=True)
    assert "docker stop job web" in commands(plan(evolve(BUSY, daemon=daemon)))
    assert "docker stop job web" not in commands(plan())


def test_it_foretells_addresses_in_the_order_of_starting() -> None:
    moves = {m.name: str(m.to) for m in plan().containers}
    assert moves == {"web": "192.168.225.2", "job": "192.168.225.3"}
    within = evolve(BUSY, config=config(fixed_cidr="192.168.225.128/25"))
    moves = {m.name: str(m.to) for m in plan(within).containers}
    assert moves == {"web": "192.168.225.128", "job": "192.168.225.129"}


def test_it_counts_a_container_that_ignores_its_stop_signal_in_full() -> None:
    quick = plan().expected_outage_s
    deaf = container("web", 2, heeds_stop_signal=False, stop_timeout=30)
    assert quick < 5
    assert plan(host(containers=(deaf,))).expected_outage_s > 30


def test_its_steps_are_plain_data_that_a_journal_can_build_again() -> None:
    made = plan()
    again = from_json(Plan, to_json(made))
    assert again == made
    for step in again.steps:
        assert step_of(step).kind == step.kind


def volatile(observed: Observed) -> Observed:
    """The same host a moment later: other pids, veths, times, orders."""
    return evolve(
        observed,
        at="2031-02-03T04:05:06+00:00",
        boot_id="another",
        daemon=evolve(observed.daemon, pid=9),
        links=(*reversed(observed.links), Link(77, "veth1", "veth", "aa", True, 1500)),
        routes=tuple(reversed(observed.routes)),
        addresses=tuple(reversed(observed.addresses)),
        containers=tuple(evolve(c, pid=c.pid + 5) for c in reversed(observed.containers)),
        networks=tuple(reversed(observed.networks)),
    )


names = st.text("abcdefgh-", min_size=1, max_size=6)
policies = st.sampled_from(["no", "always", "unless-stopped", "on-failure"])


@st.composite
def hosts(draw: st.DrawFn) -> Observed:
    chosen = draw(st.lists(names, unique=True, max_size=5))
    found = [container(n, i + 2, restart_policy=draw(policies)) for i, n in enumerate(chosen)]
    extra = draw(st.lists(st.integers(20, 90), unique=True, max_size=3))
    nets = [network(f"n{i}", f"10.{i}.0.0/24") for i in extra]
    routes = [route(f"10.{i + 100}.0.0/16", "eth0") for i in extra]
    base = plus(
        host(containers=tuple(found)), addresses=Address("eth0", IPv4Interface("10.9.0.1/24"))
    )
    return evolve(base, networks=(*base.networks, *nets), routes=(*base.routes, *routes))


@given(hosts())
def test_it_is_the_same_for_the_same_host_however_it_is_read(observed: Observed) -> None:
    made = make_plan(observed, DESIRED)
    assert made == make_plan(observed, DESIRED)
    later = make_plan(volatile(observed), DESIRED)
    assert (later.digest, later.basis, later.steps) == (made.digest, made.basis, made.steps)
    assert require_same(made, volatile(observed)) == later
    carried = from_json(Plan, to_json(made))
    assert require_same(carried, observed).digest == made.digest


CHANGES = [
    (evolve(BUSY, containers=BUSY.containers[:1]), "Container job is gone."),
    (plus(BUSY, containers=container("new", 9)), "Container new is new"),
    (plus(BUSY, networks=network("a", "10.1.0.0/24")), "Docker network a is new"),
    (plus(BUSY, addresses=Address("eth0", IPv4Interface("10.1.0.1/24"))), "Addresses of eth0"),
    (plus(BUSY, routes=route("10.1.0.0/24", "eth0")), "Route 10.1.0.0/24 dev eth0"),
    (evolve(BUSY, config=config(debug=True)), "Docker's setting debug is new"),
    (evolve(BUSY, daemon=evolve(BUSY.daemon, live_restore=True)), "live-restore changed: no → yes"),
    (evolve(BUSY, containers=(evolve(BUSY.containers[0], restart_policy="no"),
                              BUSY.containers[1])), "restart policy changed: always → no"),
    (evolve(BUSY, resolvers=()), "DNS server 198.51.100.1 is gone."),
]  # fmt: skip


@pytest.mark.parametrize(("observed", "sentence"), CHANGES)
def test_it_is_stale_when_the_host_has_changed_and_says_how(
    observed: Observed, sentence: str
) -> None:
    with pytest.raises(Stale) as caught:
        require_same(plan(), observed)
    assert any(sentence in text for text in caught.value.differences), caught.value.differences


def test_it_is_stale_when_a_blocker_came_up() -> None:
    reserved = [(DESIRED.subnet, "the VPN")]
    with pytest.raises(Stale) as caught:
        require_same(plan(), BUSY, reserved)
    assert "the VPN" in caught.value.differences[0]


def test_it_does_not_mind_what_a_routing_daemon_does_elsewhere() -> None:
    elsewhere = plus(BUSY, routes=route("10.50.0.0/16", "eth0", "198.51.100.2", "bgp"))
    assert require_same(plan(), elsewhere)
    inside = plus(BUSY, routes=route("192.168.225.0/26", "eth0", "198.51.100.2", "bgp"))
    with pytest.raises(Stale):
        require_same(plan(), inside)
    # Also where the requester accepted such routes: this one was not there to be accepted.
    accepting = make_plan(BUSY, evolve(DESIRED, accept=("overlaps-route",)))
    with pytest.raises(Stale):
        require_same(accepting, inside)


def test_it_does_not_mind_the_address_of_a_container_that_keeps_restarting() -> None:
    looping = container("loop", 4, state="restarting", endpoints=())
    made = plan(plus(BUSY, containers=looping))
    assert require_same(made, plus(BUSY, containers=container("loop", 4, just_restarted=True)))
    with pytest.raises(Stale):
        require_same(made, plus(BUSY, containers=container("loop", 4)))


def test_it_gives_each_container_an_address_of_the_new_subnet() -> None:
    many = host(containers=tuple(container(f"c{n:03}", n + 2) for n in range(200)))
    given_ = [m.to for m in plan(many).containers]
    assert len(set(given_)) == 200
    assert IPv4Address("192.168.225.1") not in given_
    assert all(a in DESIRED.subnet for a in given_ if a)
