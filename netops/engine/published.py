"""Published ports of containers: how they answer, compared before and after a change; and the
connections to them that the kernel leads to where a container no longer is.

Each port is tried twice: by a client outside of the host, whose packets pass FORWARD, and by the
host itself (OUTPUT). Both have a say, but only about what they saw answer before: a firewall may
let neither a stranger nor the host in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network

from attrs import evolve, frozen

from netops.engine.context import Context
from netops.engine.errors import OperationFailed
from netops.engine.observed import Container, Publish
from netops.engine.port_answer import (
    ANSWERED,
    LED,
    OPEN,
    REFUSED,
    REJECTED,
    SILENT,
    PortAnswer,
    PortProbe,
)

PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}  # Assigned Internet protocol numbers
TRIED = ("tcp", "udp")
TRY_S = 0.5
# A range of ports may be published; the first ones of each container stand for all.
MOST = 1024
_ORDER = (SILENT, REJECTED, REFUSED, LED, ANSWERED, OPEN)


@frozen
class PortHeard:
    """A published port and how it answered a client `outside` and the `host`, "" if not tried."""

    protocol: str
    container_port: int
    host_port: int
    host_ip: IPv4Address | None = None
    outside: str = ""
    host: str = ""

    @property
    def answered(self) -> bool:
        """True if there is anything that a change could break."""
        return any(word in (OPEN, ANSWERED, LED) for word in (self.outside, self.host))

    def same_place(self, other: PortHeard) -> bool:
        """True if both are the same port of the container, whatever the host's port is."""
        mine = (self.protocol, self.container_port, self.host_ip)
        return mine == (other.protocol, other.container_port, other.host_ip)


def ports_heard(
    ctx: Context, containers: Iterable[Container], probe: IPv4Address
) -> dict[str, tuple[PortHeard, ...]]:
    """Try the published ports of these containers; return {container id: its ports}.

    A port published on every address is tried on `probe`, an address of the host, since a
    connection to 127.0.0.1 only proves docker-proxy, not the way to the container.
    """
    tried = [(c, p, _address(p, probe)) for c, p in _chosen(containers)]
    if not tried:
        return {}
    probes = [PortProbe(p.protocol, address, p.host_port) for _, p, address in tried]
    by_host, by_client = answers_of(ctx, probes)
    heard: dict[str, tuple[PortHeard, ...]] = {}
    for (container, publish, _), host, client in zip(tried, by_host, by_client, strict=True):
        one = PortHeard(
            publish.protocol,
            publish.container_port,
            publish.host_port,
            publish.host_ip,
            outside=_word(client, container),
            host=_word(host, container),
        )
        heard[container.id] = (*heard.get(container.id, ()), one)
    return heard


def answers_of(
    ctx: Context, probes: Sequence[PortProbe]
) -> tuple[Sequence[PortAnswer], Sequence[PortAnswer | None]]:
    """Return how each port answers this host and a client outside, None where that one cannot try.

    Both try at the same time: each waits TRY_S for a port that is silent.
    """
    netlink = ctx.ports.netlink
    # Nobody outside can send to 127.0.0.1 (RFC 1122, 3.2.1.3).
    outer = [probe for probe in probes if not probe.address.is_loopback]
    by_client: dict[PortProbe, PortAnswer] = {}
    with ThreadPoolExecutor(1) as pool:
        client = pool.submit(netlink.try_ports, outer, TRY_S, outside=True) if outer else None
        by_host = netlink.try_ports(probes, TRY_S, outside=False)
        try:
            answers = client.result() if client else ()
            by_client = dict(zip(outer, answers, strict=True))
        except OperationFailed as error:
            ctx.output_once(f"Published ports are tried from this host alone: {error.message}")
    return by_host, [by_client.get(probe) for probe in probes]


def _chosen(containers: Iterable[Container]) -> Iterator[tuple[Container, Publish]]:
    """Yield the ports that can be tried, at most some of each container."""
    found = [(c, sorted(_tryable(c), key=_sort_key)) for c in containers]
    found = [(container, ports) for container, ports in found if ports]
    for container, ports in found:
        for publish in ports[: max(1, MOST // len(found))]:
            yield container, publish


def _tryable(container: Container) -> set[Publish]:
    return {p for p in container.publishes if p.protocol in TRIED and p.host_port}


def _sort_key(publish: Publish) -> tuple[str, int, int, str]:
    return publish.protocol, publish.container_port, publish.host_port, str(publish.host_ip)


def _address(publish: Publish, probe: IPv4Address) -> IPv4Address:
    if publish.host_ip is None or publish.host_ip.is_unspecified:
        return probe
    return publish.host_ip


def _word(answer: PortAnswer | None, container: Container) -> str:
    """Return how a port answered; packets that are led to somebody else are not led."""
    if answer is None:
        return ""
    own = {endpoint.ipv4 for endpoint in container.endpoints}
    if answer.word == LED and (answer.place is None or answer.place[0] not in own):
        return SILENT
    return answer.word


def compared(before: PortHeard, now: PortHeard) -> str:
    """Return OPEN where a port answers as before, else how it fails: REFUSED, REJECTED or SILENT.

    REFUSED: the way is open, but the program does not listen yet. Where nothing answered before
    there is nothing to lose.
    """
    paths = ((before.outside, now.outside), (before.host, now.host))
    return min((_path(was, word) for was, word in paths), key=_FAULTS.index)


_FAULTS = (SILENT, REJECTED, REFUSED, OPEN)


def _path(was: str, now: str) -> str:
    if was not in (OPEN, ANSWERED, LED) or not now:
        return OPEN
    if now in (OPEN, ANSWERED) or (was == LED and now == LED):
        return OPEN
    # A datagram that goes in while no answer comes out any more is as lost as one that is dropped.
    return SILENT if now == LED else now


def lost_since(before: Sequence[PortHeard], now: PortHeard) -> str:
    """Return how a port compares with what was heard of it before; see `compared`.

    Docker chooses a host port that was left to it anew at each start: the container's port counts.
    """
    same = [one for one in before if one.same_place(now)]
    exact = [one for one in same if one.host_port == now.host_port]
    if not same:
        return OPEN
    return compared(exact[0] if exact else _best(same), now)


def answered_before(before: Sequence[PortHeard], now: PortHeard) -> bool:
    """Return whether there is anything about this port that a change could have broken."""
    return any(one.answered and one.same_place(now) for one in before)


def _best(heard: Sequence[PortHeard]) -> PortHeard:
    return evolve(
        heard[0],
        outside=max((one.outside for one in heard), key=_rank),
        host=max((one.host for one in heard), key=_rank),
    )


def _rank(word: str) -> int:
    return _ORDER.index(word) if word in _ORDER else -1


def published_now(containers: Iterable[Container]) -> set[tuple[str, int]]:
    """Return protocol and port of the host of all that running containers publish."""
    publishes = (p for c in containers if c.running for p in c.publishes)
    return {(p.protocol, p.host_port) for p in publishes if p.host_port}


def forget_published(
    ctx: Context, subnets: Sequence[IPv4Network], more: Collection[tuple[str, int]] = ()
) -> int:
    """Delete the tracked connections of `subnets`, and those to published ports that are stale.

    To be called when all containers run: an entry that a packet began while its container was down
    has no translation, and a client that never rests keeps it. Connections that are led to where a
    container has the port now stay. `more` are ports (protocol, port) that were published before.
    Returns how many there were. Raises OperationFailed.
    """
    containers = [c for c in ctx.ports.docker.containers() if c.running]
    wanted = published_now(containers) | set(more)
    ports = {(PROTOCOLS[name], port) for name, port in wanted if name in PROTOCOLS}
    keep = {
        (PROTOCOLS[p.protocol], endpoint.ipv4, p.container_port)
        for c in containers
        for p in c.publishes
        for endpoint in c.endpoints
        if p.protocol in PROTOCOLS and endpoint.ipv4 is not None
    }
    netlink = ctx.ports.netlink
    count = sum(netlink.forget_connections(subnet) for subnet in subnets)
    return count + (netlink.forget_connections(None, ports, keep) if ports else 0)
