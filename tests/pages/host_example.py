"""A host as its agent would report it, for pages to show. Built from the engine's own types."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from attrs import evolve

from netops.engine import desired_nat
from netops.engine.nat.own import PARENTS, jump, own_rules
from netops.engine.nat.ruleset import Line, Table, lines_of, table_of
from netops.engine.nat_setting import NatSetting, NatState
from netops.engine.observed import (
    Address,
    BridgePort,
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

AT = "2026-11-23T10:00:00+00:00"
SITE = IPv4Address("198.51.100.2")
IMAGES = ("nginx:1.27", "redis:7.4", "postgres:17", "ghcr.io/acme/shop-worker:2026.11.3")
IMAGE_OF = {"gateway": IMAGES[0], "cache": IMAGES[1], "orders-db": IMAGES[2]}
POLICIES = ("always", "unless-stopped", "on-failure", "no")


def container(number: int, subnet: IPv4Network, name: str = "", **fields: object) -> Container:
    """Return running container `number` (0, 1, 2 ...) of the default bridge."""
    address = subnet[number + 2]
    mac = "02:42:" + ":".join(f"{b:02x}" for b in address.packed)
    values: dict[str, object] = {
        "id": f"{number:064x}",
        "name": name or f"app-{number}",
        "image": IMAGE_OF.get(name, IMAGES[number % len(IMAGES)]),
        "state": "running",
        "pid": 1000 + number,
        "restart_policy": POLICIES[number % len(POLICIES)],
        "auto_remove": False,
        "network_mode": "bridge",
        "uses_init": True,
        "endpoints": (
            Endpoint("bridge", address, subnet.prefixlen, subnet[1], mac, veth=f"veth{number:07x}"),
        ),
        "publishes": (Publish("tcp", None, 8080 + number, 80),) if number % 2 == 0 else (),
        "kernel_ipv4": (IPv4Interface((address, subnet.prefixlen)),),
    }
    return Container(**{**values, **fields})  # type: ignore[arg-type]


def observed(
    *,
    name: str = "web-1",
    subnet: str = "172.17.0.0/16",
    containers: int = 4,
    manager: str = "systemd",
    names: tuple[str, ...] = (),
    kernel_address: str = "",
    **fields: object,
) -> Observed:
    """Return a host whose docker0 has `subnet`; `kernel_address` puts another one on the link."""
    network = IPv4Network(subnet)
    on_link = IPv4Interface(kernel_address or f"{network[1]}/{network.prefixlen}")
    running = tuple(
        container(n, network, names[n] if n < len(names) else "") for n in range(containers)
    )
    shop = IPv4Network("172.18.0.0/16")
    values: dict[str, object] = {
        "at": AT,
        "hostname": name,
        "kernel": "6.1.0-28-amd64",
        "boot_id": "b7c1e0ce-0b1f-4d52-9a44-6f1b0f0a7c11",
        "daemon": DockerDaemon(True, "26.1.5", "1.45", root_dir="/var/lib/docker", pid=700),
        "config": _config(manager),
        "service": ServiceState(manager, True, socket_unit=manager == "systemd"),
        "firewall": firewall(running, network, shop),
        "controller": Controller((SITE,), "eth0"),
        "links": _links(running),
        "addresses": (
            Address("lo", IPv4Interface("127.0.0.1/8"), "host"),
            Address("eth0", IPv4Interface("198.51.100.11/24")),
            Address("docker0", on_link),
            Address("br-5f2d8c1e90ab", IPv4Interface(f"{shop[1]}/16")),
        ),
        "routes": _routes(on_link.network, shop),
        "ports": tuple(BridgePort("docker0", c.endpoints[0].veth, c.name) for c in running),
        "networks": (
            DockerNetwork("a" * 64, "bridge", "bridge", "docker0", (network,), network[1]),
            DockerNetwork("b" * 64, "shop", "bridge", "br-5f2d8c1e90ab", (shop,), shop[1]),
            DockerNetwork("c" * 64, "host", "host", ""),
            DockerNetwork("d" * 64, "none", "null", ""),
        ),
        "containers": running,
        "resolvers": (Resolver(IPv4Address("198.51.100.53"), "/etc/resolv.conf"),),
        "ip_forward": True,
    }
    return Observed(**{**values, **fields})  # type: ignore[arg-type]


def firewall(
    running: tuple[Container, ...], bridge: IPv4Network, shop: IPv4Network, **fields: object
) -> Firewall:
    """Return the firewall with the rules that Docker makes for both bridges and for published
    ports."""
    published = [
        f"-A DOCKER ! -i docker0 -p {p.protocol} -m {p.protocol} --dport {p.host_port} -j DNAT "
        f"--to-destination {c.endpoints[0].ipv4}:{p.container_port}"
        for c in running
        for p in c.publishes
    ]
    nat = (
        *(f":{chain} ACCEPT" for chain in ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")),
        ":DOCKER -",
        "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
        "-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
        f"-A POSTROUTING -s {bridge} ! -o docker0 -j MASQUERADE",
        f"-A POSTROUTING -s {shop} ! -o br-5f2d8c1e90ab -j MASQUERADE",
        "-A DOCKER -i docker0 -j RETURN",
        *published,
    )
    values: dict[str, object] = {
        "tables": ("filter", "nat"),
        "nat": nat,
        "forward": (":FORWARD DROP", "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT"),
    }
    return Firewall("nft", "iptables v1.8.9 (nf_tables)", **{**values, **fields})  # type: ignore[arg-type]


def without_nat(seen: Observed, **fields: object) -> Observed:
    """Return the host as it is with `"iptables": false`: nothing in nat, FORWARD open."""
    empty = tuple(
        line for line in seen.firewall.nat if line.startswith(":") and "DOCKER" not in line
    )
    bare = evolve(seen.firewall, nat=empty, forward=(":FORWARD ACCEPT",))
    return evolve(seen, firewall=bare, **fields)


def with_setting(seen: Observed, change_id: int = 12, **spec: object) -> Observed:
    """Return the host with a NAT setting of ours for docker0, and its rules where they belong."""
    asked = {"subnet": "172.17.0.0/16", "mode": "masquerade", **spec}
    setting = NatSetting(desired_nat.parse(asked).to_spec(), "docker0", change_id)
    wanted = own_rules((setting,))["nat"]
    old = table_of(seen.firewall.nat)
    chains = {**old.policies, **dict.fromkeys(wanted.chains, "-")}
    jumps = tuple(Line(PARENTS[chain], jump(chain).line()) for chain in wanted.chains)
    own = tuple(Line(chain, r.line()) for chain, rules in wanted.chains.items() for r in rules)
    nat = lines_of(Table(chains, (*jumps, *old.rules, *own)))
    told = evolve(seen.firewall, nat=nat)
    return evolve(seen, firewall=told, nat=NatState((setting,)))


def _config(manager: str) -> DaemonConfig:
    if manager == "sysv":
        options = ConfigValue("log-driver", "json-file", "DOCKER_OPTS", "/etc/default/docker")
        return DaemonConfig("/etc/docker/daemon.json", None, (options,))
    path = "/etc/docker/daemon.json"
    values = (
        ConfigValue("live-restore", False, "default"),
        ConfigValue("log-opts", {"max-size": "10m", "max-file": "3"}, "daemon.json", path),
        ConfigValue(
            "hosts",
            ["fd://"],
            "unit",
            "/lib/systemd/system/docker.service",
        ),
    )
    content = '{\n  "log-opts": {"max-size": "10m", "max-file": "3"}\n}\n'
    return DaemonConfig(path, content, values)


def _links(running: tuple[Container, ...]) -> tuple[Link, ...]:
    fixed = (
        Link(1, "lo", "", "00:00:00:00:00:00", True, 65536),
        Link(2, "eth0", "", "52:54:00:8b:1f:03", True, 1500),
        Link(3, "docker0", "bridge", "02:42:5e:91:0c:7a", True, 1500),
        Link(4, "br-5f2d8c1e90ab", "bridge", "02:42:9d:1a:44:e2", True, 1500),
    )
    veths = tuple(
        Link(10 + n, c.endpoints[0].veth, "veth", "aa:bb:cc:00:00:01", True, 1500, "docker0", 9)
        for n, c in enumerate(running)
    )
    return fixed + veths


def _routes(bridge: IPv4Network, shop: IPv4Network) -> tuple[Route, ...]:
    return (
        Route(254, IPv4Network("0.0.0.0/0"), IPv4Address("198.51.100.1"), "eth0"),
        Route(254, bridge, None, "docker0", bridge[1], "kernel"),
        Route(254, shop, None, "br-5f2d8c1e90ab", shop[1], "kernel"),
        Route(254, IPv4Network("198.51.100.0/24"), None, "eth0", protocol="kernel"),
        Route(254, IPv4Network("10.8.0.0/16"), IPv4Address("198.51.100.9"), "eth0", None, "static"),
    )
