"""A host's observation, arranged as its page shows it. Pure."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from attrs import frozen
from django.utils.translation import gettext as _

from netops.engine.layers import Layers, default_bridge
from netops.engine.observed import Container, DockerNetwork, Endpoint, Link, Observed, Publish

MAIN_TABLE, LOCAL_TABLE = 254, 255
CONTAINERS_FIRST = 25
# Docker has one network of each by itself: "host" and "none". They have no addresses of their own.
_WITHOUT_NETWORK = ("host", "null")
# No more digits than a number that fits anywhere: a name may be all digits.
_NUMBERS = re.compile(r"([0-9]{1,18})?([^0-9]+|(?=[0-9])|\Z)")


@frozen
class Port:
    """A port of a bridge: the veth on the host's side, and the container behind it ("": none)."""

    link: str
    container: str
    ipv4: IPv4Address | None
    mac: str
    publishes: tuple[str, ...] = ()


@frozen
class Bridge:
    """One bridge network of Docker as the kernel and Docker have it.

    `addresses` are the kernel's on the bridge; `network` is Docker's record, None without one.
    """

    name: str
    link: Link | None
    addresses: tuple[IPv4Interface, ...]
    network: DockerNetwork | None
    ports: tuple[Port, ...]

    @property
    def odd(self) -> tuple[IPv4Interface, ...]:
        """Addresses in no subnet that Docker has for the network."""
        subnets = self.network.subnets if self.network else ()
        if not subnets:
            return ()
        return tuple(a for a in self.addresses if not any(a.ip in subnet for subnet in subnets))

    @property
    def up(self) -> bool:
        """True if the kernel has the bridge and it is set up."""
        return self.link is not None and self.link.up


@frozen
class ContainerRow:
    """A container with one line for each network it is in."""

    container: Container
    endpoints: tuple[Endpoint, ...]

    @property
    def publishes(self) -> tuple[str, ...]:
        """Published ports as `docker port` writes them, shorter where every address is meant."""
        return tuple(published(p) for p in self.container.publishes)


@frozen
class Layer:
    """What one layer says of the default bridge's subnet; `odd` marks a disagreement."""

    name: str
    source: str
    subnets: tuple[IPv4Network, ...]
    nothing: str
    odd: bool


@frozen
class Picture:
    """All that the host page shows of an observation."""

    bridge: Bridge
    others: tuple[Bridge, ...]
    other_networks: tuple[DockerNetwork, ...]
    containers: tuple[ContainerRow, ...]
    layers: tuple[Layer, ...]
    agree: bool

    @property
    def containers_first(self) -> tuple[ContainerRow, ...]:
        """Those that are seen at once."""
        return self.containers[:CONTAINERS_FIRST]

    @property
    def containers_rest(self) -> tuple[ContainerRow, ...]:
        """Those that are folded away: the page goes on below them."""
        return self.containers[CONTAINERS_FIRST:]


def published(publish: Publish) -> str:
    """Return a published port: "8080 → 80/tcp", with the host's address if it is bound to one."""
    where = f"{publish.host_ip}:" if publish.host_ip and int(publish.host_ip) else ""
    return f"{where}{publish.host_port} → {publish.container_port}/{publish.protocol}"


def picture_of(observed: Observed, layers: Layers) -> Picture:
    """Return the observation arranged for its page."""
    default = default_bridge(observed)
    bridged = [n for n in observed.networks if n.bridge and n.bridge != default]
    return Picture(
        bridge=_bridge(observed, default),
        others=tuple(_bridge(observed, n.bridge) for n in bridged),
        other_networks=tuple(
            n for n in observed.networks if not n.bridge and n.driver not in _WITHOUT_NETWORK
        ),
        containers=_containers(observed),
        layers=_layers(observed, layers),
        agree=layers.agree,
    )


def _bridge(observed: Observed, name: str) -> Bridge:
    network = next((n for n in observed.networks if n.bridge == name), None)
    if network is None and name == "docker0":
        network = observed.network("bridge")
    return Bridge(
        name=name,
        link=next((link for link in observed.links if link.name == name), None),
        addresses=observed.addresses_of(name),
        network=network,
        ports=_ports(observed, name, network.name if network else ""),
    )


def _ports(observed: Observed, bridge: str, network: str) -> tuple[Port, ...]:
    containers = {c.name: c for c in observed.containers}
    rows = []
    for port in observed.ports:
        if port.bridge != bridge:
            continue
        container = containers.get(port.container)
        endpoint = container.endpoint(network) if container else None
        rows.append(
            Port(
                link=port.link,
                container=port.container,
                ipv4=endpoint.ipv4 if endpoint else None,
                mac=endpoint.mac if endpoint else "",
                publishes=tuple(published(p) for p in container.publishes) if container else (),
            )
        )
    return tuple(sorted(rows, key=lambda p: (p.container == "", _natural(p.container), p.link)))


def _containers(observed: Observed) -> tuple[ContainerRow, ...]:
    def rank(container: Container) -> tuple[bool, list[tuple[int, str]]]:
        return (not container.running, _natural(container.name))

    ordered = sorted(observed.containers, key=rank)
    return tuple(ContainerRow(c, c.endpoints) for c in ordered)


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts app-2 before app-10."""
    return [(int(n) if n else 0, word) for n, word in _NUMBERS.findall(name)]


def _configured(observed: Observed, layers: Layers) -> tuple[str, IPv4Network | None, str]:
    """Where the setting is from, the subnet, and what is said where there is none."""
    if observed.config.error and layers.configured is None:
        source = _("%(file)s cannot be read") % {"file": observed.config.path.rpartition("/")[2]}
        return source, None, _("not known")
    return _("what Docker's next start will use"), layers.configured, _("Docker's default")


def _layers(observed: Observed, layers: Layers) -> tuple[Layer, ...]:
    rows = (
        (_("Configured"), *_configured(observed, layers)),
        (_("Docker's record"), "docker network inspect bridge", layers.docker, _("not known")),
        (_("Kernel"), "ip addr show docker0", layers.kernel, _("no address")),
        (_("Containers"), _("ip addr, inside each one"), layers.containers, _("none runs on it")),
    )
    truth = layers.docker or next(iter(layers.kernel), None)
    return tuple(
        Layer(
            name=name,
            source=source,
            subnets=_several(value),
            nothing=nothing,
            odd=any(subnet != truth for subnet in _several(value)),
        )
        for name, source, value, nothing in rows
    )


def _several(value: IPv4Network | tuple[IPv4Network, ...] | None) -> tuple[IPv4Network, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


@frozen
class SettingRow:
    """A setting of dockerd in force; `value` as it would stand in daemon.json."""

    key: str
    value: str
    origin: str
    path: str

    @property
    def where(self) -> str:
        """Where it is set, in words; a file or a variable is its own name."""
        script = self.path.startswith("/etc/init.d/")
        words = {
            "default": _("Docker's default"),
            "unit": _("init script") if script else _("systemd unit"),
            "drop-in": _("systemd drop-in"),
            "command line": _("command line"),
        }
        return words.get(self.origin, self.origin)


def settings_of(observed: Observed) -> tuple[SettingRow, ...]:
    """Return dockerd's settings, those that somebody made before the defaults."""
    ordered = sorted(observed.config.values, key=lambda v: (v.origin == "default", v.key))
    return tuple(
        SettingRow(v.key, json.dumps(v.value, ensure_ascii=False, sort_keys=True), v.origin, v.path)
        for v in ordered
    )


@frozen
class RouteRow:
    """A route in words: `to` is "default" for 0.0.0.0/0."""

    to: str
    gateway: IPv4Address | None
    link: str
    protocol: str
    table: int


def routes_of(observed: Observed) -> tuple[RouteRow, ...]:
    """Return the routes of all tables, the main one (254, rt_tables(5)) first."""
    ordered = sorted(observed.routes, key=lambda r: (r.table != MAIN_TABLE, r.table))
    return tuple(
        RouteRow(
            to="default" if r.destination.prefixlen == 0 else str(r.destination),
            gateway=r.gateway,
            link=r.link or "-",
            protocol=r.protocol,
            table=r.table,
        )
        for r in ordered
        if r.table != LOCAL_TABLE
    )
