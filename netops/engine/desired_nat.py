"""What a person asks for with a change of kind "nat"."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import ClassVar

from attrs import frozen

from netops.engine.serial import Json
from netops.engine.spec_reader import SpecReader, link_name_fits, shown

KIND = "nat"
MASQUERADE, SNAT, NONE = "masquerade", "snat", "none"
PROTOCOLS = ("tcp", "udp")
MODES = (MASQUERADE, SNAT, NONE)
FIELDS = (
    *("subnet", "mode", "to_source", "out_interface", "exclude", "docker_chain", "publish"),
    "accept",
)
PUBLISH_FIELDS = ("protocol", "host_ip", "host_port", "to")
ACCEPTABLE = ("source-on-loopback",)
LONGEST_PREFIX, MOST_EXCLUDES, MOST_PUBLISHES = 30, 64, 128


@frozen
class NatPublish:
    """A port of the host that leads to an address of the subnet; `host_ip` None: any of the host's.

    `l4_port` and `to_port` are TCP or UDP ports. With `container` the port leads to the container
    of that name, wherever it is in the subnet; `to` is its address then, None while it has none.
    """

    protocol: str
    host_ip: IPv4Address | None
    l4_port: int
    to: IPv4Address | None
    to_port: int
    container: str = ""

    @property
    def port(self) -> str:
        """The host's side: "tcp 8080" or "tcp 198.51.100.12:8080"; no two of a setting share it."""
        where = f"{self.host_ip}:" if self.host_ip else ""
        return f"{self.protocol} {where}{self.l4_port}"

    @property
    def goal(self) -> str:
        """The container's side: "192.168.225.10:80", "web:80" or "web:80 (192.168.225.10)"."""
        known = f" ({self.to})" if self.container and self.to else ""
        return f"{self.container or self.to}:{self.to_port}{known}"

    @property
    def text(self) -> str:
        """The port in a few words: "tcp 8080 → 192.168.225.10:80"."""
        return f"{self.port} → {self.goal}"

    def overlaps(self, other: NatPublish) -> bool:
        """True if one packet could be meant for both."""
        same = (self.protocol, self.l4_port) == (other.protocol, other.l4_port)
        return same and (None in (self.host_ip, other.host_ip) or self.host_ip == other.host_ip)

    def to_spec(self) -> dict[str, Json]:
        """Return it as the specification has it."""
        spec: dict[str, Json] = {"protocol": self.protocol, "host_port": self.l4_port}
        if self.host_ip is not None:
            spec["host_ip"] = str(self.host_ip)
        return {**spec, "to": f"{self.container or self.to}:{self.to_port}"}


@frozen
class DesiredNat:
    """How packets of one subnet leave the host and how they get in.

    `mode`: "masquerade" (source becomes the address of the link that they leave by), "snat"
    (becomes `to_source`) or "none". `out_interface` "" means every link but the subnet's own
    bridge. Packets to `exclude` keep their source. `docker_chain`: make sure that nat has the
    chain DOCKER, and the jumps to it, that Docker itself would make.
    """

    kind: ClassVar[str] = KIND
    subnet: IPv4Network
    mode: str
    to_source: IPv4Address | None = None
    out_interface: str = ""
    exclude: tuple[IPv4Network, ...] = ()
    docker_chain: bool = False
    publish: tuple[NatPublish, ...] = ()
    accept: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """True if it asks for no rule at all: everything of ours for the subnet goes.

        The chain DOCKER too, whatever is said of it: it serves nothing where nothing is translated.
        """
        return self.mode == NONE and not self.publish

    def to_spec(self) -> dict[str, Json]:
        """Return the specification in full; parsing it gives an equal DesiredNat."""
        spec: dict[str, Json] = {"subnet": str(self.subnet), "mode": self.mode}
        if self.to_source is not None:
            spec["to_source"] = str(self.to_source)
        if self.out_interface:
            spec["out_interface"] = self.out_interface
        return {
            **spec,
            "exclude": [str(network) for network in self.exclude],
            "docker_chain": self.docker_chain,
            "publish": [publish.to_spec() for publish in self.publish],
            "accept": list(self.accept),
        }


def parse(spec: object) -> DesiredNat:
    """Return what `spec` (see docs/api.md) asks for. Raises SpecInvalid with every fault found."""
    reader = SpecReader(spec)
    subnet = reader.subnet("subnet", longest=LONGEST_PREFIX)
    mode = reader.choice("mode", MODES)
    to_source = reader.address("to_source")
    out_interface = reader.text("out_interface", required=False) or ""
    _check_way_out(reader, mode, to_source, out_interface)
    exclude = _exclude(reader)
    docker_chain = reader.flag("docker_chain")
    publish = _publishes(reader)
    accept = reader.names("accept", ACCEPTABLE, code="accept-unknown")
    reader.finish(FIELDS)
    assert subnet is not None
    assert mode is not None
    return DesiredNat(
        subnet=subnet,
        mode=mode,
        to_source=to_source,
        out_interface=out_interface,
        exclude=exclude,
        docker_chain=docker_chain,
        publish=publish,
        accept=accept,
    )


def _check_way_out(
    reader: SpecReader, mode: str | None, to_source: IPv4Address | None, link: str
) -> None:
    if mode == SNAT and not reader.given("to_source"):
        message = "With “snat”, say which address of the host packets shall come from."
        reader.fault("to_source", "required", message)
    if mode in (MASQUERADE, NONE) and to_source is not None:
        message = f"An address to translate to goes with “snat”, not with “{mode}”."
        reader.fault("to_source", "not-with-mode", message)
    if link and not link_name_fits(link):
        message = f"“{shown(link)}” is not the name of an interface; write it like eth0."
        reader.fault("out_interface", "not-an-interface", message)
    elif link and mode == NONE:
        message = "An interface to leave by goes with “masquerade” or “snat”."
        reader.fault("out_interface", "not-with-mode", message)
    if mode == NONE and reader.given("exclude"):
        message = "Ranges to exclude go with “masquerade” or “snat”."
        reader.fault("exclude", "not-with-mode", message)


def _exclude(reader: SpecReader) -> tuple[IPv4Network, ...]:
    found: list[IPv4Network] = []
    for item in reader.items("exclude", most=MOST_EXCLUDES):
        network = reader.network_in("exclude", item)
        other = next((n for n in found if network and n.overlaps(network)), None)
        if network is not None and other is not None:
            message = f"{network} overlaps {other}; name each address once."
            reader.fault("exclude", "overlapping", message)
        elif network is not None:
            found.append(network)
    return tuple(sorted(found))


def _publishes(reader: SpecReader) -> tuple[NatPublish, ...]:
    found: list[NatPublish] = []
    for number, item in enumerate(reader.items("publish", most=MOST_PUBLISHES)):
        publish = _publish(reader, f"publish[{number}]", item)
        if publish is None:
            continue
        other = next((p for p in found if p.overlaps(publish)), None)
        if other is not None:
            message = f"“{publish.text}” takes the same port as “{other.text}”."
            reader.fault(f"publish[{number}].host_port", "published-twice", message)
        else:
            found.append(publish)
    return tuple(sorted(found, key=lambda p: (p.protocol, p.l4_port, str(p.host_ip or ""))))


def _publish(reader: SpecReader, where: str, item: object) -> NatPublish | None:
    inner = SpecReader(item, where=where)
    protocol = inner.choice("protocol", PROTOCOLS)
    host_ip = inner.address("host_ip")
    l4_port = inner.l4_port("host_port")
    to = inner.goal("to")
    if host_ip is not None and (host_ip.is_multicast or host_ip.is_loopback or not int(host_ip)):
        message = f"{host_ip} is not an address that others can connect to; leave it out for all."
        inner.fault("host_ip", "not-usable", message)
    inner.only(PUBLISH_FIELDS)
    reader.problems += inner.problems
    if inner.problems or protocol is None or l4_port is None or to is None:
        return None
    goal, to_port = to
    if isinstance(goal, str):
        return NatPublish(protocol, host_ip, l4_port, None, to_port, goal)
    return NatPublish(protocol, host_ip, l4_port, goal, to_port)
