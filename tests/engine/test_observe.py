"""Observing: what was recorded on real hosts, and hosts on which nothing works."""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

import attrs
import pytest

from netops.engine.errors import OperationFailed
from netops.engine.layers import Layers, layers_of
from netops.engine.observe import observe
from netops.engine.observed import (
    Address,
    Container,
    Controller,
    DockerDaemon,
    DockerNetwork,
    Endpoint,
    Link,
    Observed,
    ServiceState,
)
from netops.engine.ports import HostFacts, HostPorts, Inside
from netops.engine.serial import from_json, to_json

RECORDED = Path(__file__).parent / "recorded"
RUNNING = ["sysv", "systemd", "sysv_docker_opts", "systemd_daemon_json", "sysv_broken_json"]


def recorded(name: str) -> Observed:
    """An observation of a real host, from tests/root/record.py."""
    return from_json(Observed, json.loads((RECORDED / f"{name}.json").read_text()))


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.json")), ids=lambda p: p.stem)
def test_it_survives_the_wire_unchanged(path: Path) -> None:
    seen = recorded(path.stem)
    assert from_json(Observed, json.loads(json.dumps(to_json(seen)))) == seen


@pytest.mark.parametrize(
    ("name", "configured", "subnet"),
    [
        ("sysv", None, "172.17.0.0/16"),
        ("systemd", None, "172.17.0.0/16"),
        ("sysv_docker_opts", "172.18.0.0/24", "172.18.0.0/24"),
        ("systemd_daemon_json", "172.19.0.0/24", "172.19.0.0/24"),
    ],
)
def test_the_four_layers_of_a_healthy_host_agree(
    name: str, configured: str | None, subnet: str
) -> None:
    layers, there = layers_of(recorded(name)), IPv4Network(subnet)
    assert layers == Layers(
        IPv4Network(configured) if configured else None, there, (there,), (there,)
    )
    assert layers.agree


def test_a_stopped_host_has_no_layer_of_docker_and_does_not_agree() -> None:
    layers = layers_of(recorded("systemd_stopped"))
    assert layers.docker is None
    assert layers.kernel == (IPv4Network("172.17.0.0/16"),)
    assert not layers.agree


@pytest.mark.parametrize(
    "change",
    [
        lambda o: attrs.evolve(o, addresses=(*o.addresses, Address(
            "docker0", IPv4Interface("192.168.225.1/24")))),
        lambda o: attrs.evolve(o, containers=tuple(
            attrs.evolve(c, kernel_ipv4=(*c.kernel_ipv4, IPv4Interface("10.9.9.9/24")))
            for c in o.containers)),
        lambda o: attrs.evolve(o, addresses=()),
        lambda o: attrs.evolve(o, networks=()),
    ],
    ids=["second-address", "stray-in-container", "no-address", "no-network"],
)  # fmt: skip
def test_layers_that_differ_do_not_agree(change: Callable[[Observed], Observed]) -> None:
    assert not layers_of(change(recorded("sysv"))).agree


@pytest.mark.parametrize("name", RUNNING)
def test_each_running_container_is_found_behind_its_veth(name: str) -> None:
    seen = recorded(name)
    ports = {(p.bridge, p.link): p.container for p in seen.ports}
    bridges = {n.name: n.bridge for n in seen.networks}
    for container in seen.containers:
        for endpoint in container.endpoints:
            if endpoint.ipv4:
                assert ports[bridges[endpoint.network], endpoint.veth] == container.name
    assert sum(1 for container in ports.values() if container) == len(ports)


@pytest.mark.parametrize("name", RUNNING)
def test_docker_and_the_kernel_tell_the_same_addresses(name: str) -> None:
    for container in recorded(name).containers:
        told = {e.ipv4 for e in container.endpoints if e.ipv4}
        if told:
            assert {a.ip for a in container.kernel_ipv4} == told


def test_it_knows_the_odd_containers() -> None:
    found = {c.name: c for c in recorded("sysv").containers}
    assert (found["frozen"].state, found["frozen"].running) == ("paused", True)
    assert (found["never"].state, found["never"].running) == ("created", False)
    assert found["temporary"].auto_remove
    assert found["temporary"].heeds_stop_signal is False  # busybox as pid 1
    assert found["web"].heeds_stop_signal is True
    assert found["host-mode"].kernel_ipv4 == ()
    assert found["sidecar"].endpoints == ()
    assert found["sidecar"].kernel_ipv4 == found["web"].kernel_ipv4
    assert found["proxy"].endpoint("front").static_ipv4 == IPv4Address("10.77.0.9")  # type: ignore[union-attr]


def test_every_bridge_network_has_its_gateway() -> None:
    for name in RUNNING:
        for network in recorded(name).networks:
            if network.bridge:
                assert network.gateway in network.subnets[0]


class Broken:
    """A port of a host on which nothing works."""

    manager = "sysv"

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(*_args: object, **_options: object) -> None:
            raise OperationFailed(f"{name} is broken.")

        return fail


def test_it_describes_a_host_on_which_nothing_works() -> None:
    broken: Any = Broken()
    ports = HostPorts(*[broken] * 8)
    seen = observe(ports, Controller((IPv4Address("192.0.2.1"),)))
    assert not seen.daemon.running
    assert (seen.links, seen.networks, seen.containers) == ((), (), ())
    assert seen.problems[0] == "Docker does not answer; its service is stopped."
    assert "Configuration: observe is broken." in seen.problems
    assert "Links: links is broken." in seen.problems
    assert "Dependent units: dependents is broken." in seen.problems
    assert from_json(Observed, to_json(seen)) == seen


class Whole(Broken):
    """A small host, all in one: one container on docker0, of a Docker that knows no gateway."""

    def daemon(self) -> DockerDaemon:
        return DockerDaemon(running=True, version="20.10.24", pid=7)

    def state(self) -> ServiceState:
        return ServiceState("sysv", active=True)

    def dependents(self) -> tuple[str, ...]:
        return ("app.service",)

    def read(self) -> HostFacts:
        return HostFacts("h", "6.1", "b", True, ((IPv4Address("192.0.2.53"), "/etc/resolv.conf"),))

    def networks(self) -> tuple[DockerNetwork, ...]:
        return (DockerNetwork("n", "bridge", "bridge", "docker0", (IPv4Network("10.0.0.0/24"),)),)

    def containers(self) -> tuple[Container, ...]:
        endpoint = Endpoint("bridge", IPv4Address("10.0.0.2"), 24, mac="02:00:00:00:00:02")
        return (
            Container("1" * 64, "web", "bb", "running", 99, "always", False, "default",
                      endpoints=(endpoint,)),
        )  # fmt: skip

    def links(self) -> tuple[Link, ...]:
        return (
            Link(3, "docker0", "bridge", "", True, 1500),
            Link(5, "v", "veth", "", True, 1500, "docker0", peer_index=4),
        )

    def addresses(self) -> tuple[Address, ...]:
        return (Address("docker0", IPv4Interface("10.0.0.1/24")),)

    def routes(self) -> tuple[()]:
        return ()

    def inside(self, pids: list[int]) -> dict[int, Inside]:
        eth0 = Link(4, "eth0", "veth", "02:00:00:00:00:02", True, 1500, peer_index=5)
        inner = Address("eth0", IPv4Interface("10.0.0.2/24"))
        return {pid: Inside((eth0,), (inner,)) for pid in pids}

    def link_to(self, target: IPv4Address) -> str:
        return f"to {target}"


def test_it_joins_what_docker_and_the_kernel_say() -> None:
    whole: Any = Whole()
    ports = HostPorts(*[whole] * 8)
    seen = observe(ports, Controller((IPv4Address("192.0.2.1"),)))
    [container] = seen.containers
    assert container.endpoints[0].veth == "v"
    assert container.kernel_ipv4 == (IPv4Interface("10.0.0.2/24"),)
    assert [(p.bridge, p.link, p.container) for p in seen.ports] == [("docker0", "v", "web")]
    assert seen.networks[0].gateway == IPv4Address("10.0.0.1")
    assert seen.controller == Controller((IPv4Address("192.0.2.1"),), "to 192.0.2.1")
    assert seen.resolvers[0].address == IPv4Address("192.0.2.53")
    assert seen.service.dependents == ("app.service",)
    # The configuration and the firewall of this host are broken: said, and nothing else lost.
    assert len(seen.problems) == 2
