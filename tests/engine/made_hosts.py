"""A hand-made host, as observe() would return it, to be changed one fact at a time."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from attrs import evolve

from netops.engine.observed import (
    Address,
    ConfigValue,
    Container,
    Controller,
    DaemonConfig,
    DockerDaemon,
    DockerNetwork,
    Endpoint,
    Firewall,
    Link,
    Observed,
    Publish,
    Resolver,
    Route,
    ServiceState,
)
from netops.engine.serial import Json

PATH = "/etc/docker/daemon.json"


def net(text: str) -> IPv4Network:
    """Short for IPv4Network."""
    return IPv4Network(text)


def container(name: str, number: int = 2, **more: Any) -> Container:
    """A running container on the default bridge, 172.17.0.NUMBER."""
    ipv4 = IPv4Address(f"172.17.0.{number}")
    values: dict[str, Any] = {
        "id": f"{name}-id",
        "name": name,
        "image": "bb:1",
        "state": "running",
        "pid": 1000 + number,
        "restart_policy": "always",
        "auto_remove": False,
        "network_mode": "default",
        "uses_init": True,
        "endpoints": (Endpoint("bridge", ipv4, 16, IPv4Address("172.17.0.1")),),
        "kernel_ipv4": (IPv4Interface(f"{ipv4}/16"),),
    }
    return Container(**(values | more))


def network(name: str, subnet: str, bridge: str = "") -> DockerNetwork:
    """A bridge network whose gateway is its first host address."""
    of = net(subnet)
    return DockerNetwork(f"{name}-id", name, "bridge", bridge or f"br-{name}", (of,), of[1])


def publish(host_ip: str | None = None, host_port: int = 8080) -> Publish:
    """Port 80 of a container, published."""
    return Publish("tcp", IPv4Address(host_ip) if host_ip else None, host_port, 80)


def config(**values: Json) -> DaemonConfig:
    """A daemon.json with these settings in force (underscores for hyphens)."""
    named = {key.replace("_", "-"): value for key, value in values.items()}
    found = tuple(ConfigValue(k, v, "daemon.json", PATH) for k, v in named.items())
    return DaemonConfig(PATH, json.dumps(named) if named else None, found)


def host(**more: Any) -> Observed:
    """A sysv host with docker0 at 172.17.0.1/16, eth0 and a default route."""
    values: dict[str, Any] = {
        "at": "2030-01-01T00:00:00+00:00",
        "hostname": "h1",
        "kernel": "6.1",
        "boot_id": "boot",
        "daemon": DockerDaemon(True, "20.10.24", "1.41", pid=500),
        "config": config(),
        "service": ServiceState("sysv", True),
        "firewall": Firewall("nft", "1.8.9"),
        "controller": Controller((IPv4Address("198.51.100.1"),), "eth0"),
        "links": (
            Link(1, "lo", "", "", True, 65536),
            Link(2, "eth0", "", "02:00:00:00:00:01", True, 1500),
            Link(3, "docker0", "bridge", "02:42:00:00:00:01", True, 1500),
        ),
        "addresses": (
            Address("lo", IPv4Interface("127.0.0.1/8"), "host"),
            Address("eth0", IPv4Interface("198.51.100.10/24")),
            Address("docker0", IPv4Interface("172.17.0.1/16")),
        ),
        "routes": (
            route("0.0.0.0/0", "eth0", "198.51.100.1"),
            route("198.51.100.0/24", "eth0", protocol="kernel"),
            route("172.17.0.0/16", "docker0", protocol="kernel"),
        ),
        "networks": (network("bridge", "172.17.0.0/16", "docker0"),),
        "resolvers": (Resolver(IPv4Address("198.51.100.1"), "/etc/resolv.conf"),),
        "ip_forward": True,
    }
    return Observed(**(values | more))


def route(
    destination: str, link: str, gateway: str | None = None, protocol: str = "static"
) -> Route:
    """A route of the main table."""
    via = IPv4Address(gateway) if gateway else None
    return Route(254, net(destination), via, link, protocol=protocol)


def plus(observed: Observed, **more: Any) -> Observed:
    """The host with something appended to these tuples."""
    return evolve(observed, **{k: (*getattr(observed, k), v) for k, v in more.items()})
