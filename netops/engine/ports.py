"""What the engine needs of a host, as interfaces. `adapters/` has the real ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Protocol

from attrs import frozen

from netops.engine.nat.edits import Edit
from netops.engine.nat.places import Places
from netops.engine.nat_setting import NatState
from netops.engine.observed import (
    Address,
    Container,
    DaemonConfig,
    DockerDaemon,
    DockerNetwork,
    Firewall,
    Link,
    Listener,
    Route,
    ServiceState,
)
from netops.engine.port_answer import PortAnswer, PortProbe
from netops.engine.serial import Json


@frozen
class Inside:
    """Links and addresses inside another network namespace (a container's), without loopback."""

    links: tuple[Link, ...]
    addresses: tuple[Address, ...]


@frozen
class Translation:
    """What became of a packet: its `source` as it left (None: no trace), and if it was answered."""

    source: IPv4Address | None
    answered: bool


class Netlink(Protocol):
    """Links, addresses and routes of the host's own network namespace (rtnetlink(7))."""

    def links(self) -> tuple[Link, ...]: ...
    def addresses(self) -> tuple[Address, ...]: ...
    def routes(self) -> tuple[Route, ...]: ...
    def link_set(self, name: str, *, up: bool) -> None: ...
    def address_add(self, link: str, address: IPv4Interface) -> None:
        """Add an address; one that is there already is fine."""
        ...

    def address_remove(self, link: str, address: IPv4Interface) -> None:
        """Remove an address; one that is not there is fine."""
        ...

    def route_add(self, route: Route) -> None:
        """Add a route as `routes` returned it; one that is there already is fine."""
        ...

    def addresses_in(self, pid: int) -> tuple[IPv4Interface, ...]:
        """Addresses inside the network namespace of a process (a container), without loopback."""
        ...

    def inside(self, pids: Sequence[int]) -> dict[int, Inside]:
        """Links and addresses in the network namespaces of many processes at once.

        A process that is gone, or lives in the host's own namespace, has no entry.
        """
        ...

    def link_to(self, target: IPv4Address) -> str:
        """The link that a packet of the host to `target` leaves by, "" without a route."""
        ...

    def forget_connections(
        self,
        subnet: IPv4Network | None,
        ports: Collection[tuple[int, int]] = (),
        keep: Collection[tuple[int, IPv4Address, int]] | None = None,
    ) -> int:
        """Delete the conntrack entries to and from `subnet`; return how many there were.

        And those that go to one of `ports` (protocol number of RFC 790, port) of this host; with
        `keep` not those that are led to one of these places (protocol number, address, port).
        """
        ...

    def reaches(self, pid: int, target: IPv4Address, timeout_s: float) -> bool:
        """True if an ICMP echo sent from that process's network namespace is answered."""
        ...

    def try_ports(
        self, probes: Sequence[PortProbe], timeout_s: float, *, outside: bool
    ) -> tuple[PortAnswer, ...]:
        """Try all ports at once, and wait at most `timeout_s` seconds for those that are silent.

        From this host itself (OUTPUT), or as a client `outside` of it, whose packets go by
        PREROUTING and FORWARD. Raises OperationFailed when no such client can be made.
        """
        ...

    def translated(
        self, bridge: str, inside: IPv4Interface, gateway: IPv4Address, target: IPv4Address
    ) -> Translation:
        """Send packets to `target` from a short-lived namespace on `bridge` with address `inside`.

        Raises OperationFailed when somebody else has that address.
        """
        ...


class DockerApi(Protocol):
    """The Docker Engine API on the host's own socket.

    `container`, `start`, `stop` and `pause` may be called from several threads at once.
    """

    def daemon(self) -> DockerDaemon: ...
    def networks(self) -> tuple[DockerNetwork, ...]: ...
    def containers(self) -> tuple[Container, ...]: ...
    def container(self, container_id: str) -> Container | None: ...
    def places(self) -> Places | None:
        """Networks and who is in them, cheaply; None when dockerd does not run.

        Raises OperationFailed when it runs and does not answer.
        """
        ...

    def wait_until_answering(
        self, timeout_s: float, still_running: Callable[[], bool] | None = None
    ) -> None:
        """Return once dockerd answers; raise OperationFailed after `timeout_s` seconds.

        With `still_running` (such as `service.state().active`) it also raises as soon as that is
        False, since a dockerd that ended will never answer.
        """
        ...

    def start(self, container_id: str) -> None: ...
    def stop(self, container_id: str, timeout_s: int | None = None) -> None: ...
    def pause(self, container_id: str) -> None: ...
    def network_hold(self, name: str, subnet: IPv4Network, labels: Mapping[str, str]) -> None:
        """Make a network that has `subnet` and nothing else: no address, no route, no rule."""
        ...

    def network_remove(self, name: str) -> None:
        """Remove a network by name or id; one that is gone is fine."""
        ...


class ConfigFiles(Protocol):
    """dockerd's configuration on disk: daemon.json, DOCKER_OPTS, unit flags."""

    def observe(self, service: ServiceState) -> DaemonConfig: ...
    def read_bytes(self, path: str) -> tuple[bytes, int] | None:
        """Content and mode bits of a file, None if it does not exist."""
        ...

    def write_bytes(self, path: str, content: bytes, mode: int) -> None:
        """Replace a file atomically (write beside it, fsync, rename, fsync the folder)."""
        ...

    def write_back(self, path: str, content: bytes, mode: int) -> None:
        """The same on the way back, where a full disk must not stop it: in place then."""
        ...

    def remove(self, path: str) -> None: ...
    def validate(self, path: str) -> str:
        """Run `dockerd --validate` where the engine has it (23.0); return its complaint or ""."""
        ...


class Service(Protocol):
    """Docker's service as the host's init runs it."""

    manager: str

    def state(self) -> ServiceState: ...
    def stop(self, timeout_s: float) -> None: ...
    def start(self, timeout_s: float) -> None: ...
    def dependents(self) -> tuple[str, ...]:
        """Units that run now, and that a stop of Docker stops with it (Requires=, BindsTo=,
        PartOf=, also at second hand). Its start does not start them again."""
        ...

    def units_start(self, names: Sequence[str]) -> None:
        """Queue the start of those of `names` that are down; `units_down` tells what came of it."""
        ...

    def units_down(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of `names` that neither run nor are being started.

        Not among them: one that ran since Docker was last away and ended well.
        """
        ...

    def units_failed(self, names: Sequence[str]) -> tuple[str, ...]: ...
    def apart(self, config_path: str) -> AbstractContextManager[Callable[[], bool]]: ...
    def command(self, verb: str) -> str:
        """What a person types for status, start or stop on this init."""
        ...

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of dockerd's log, "" when there is none."""
        ...


class FirewallPort(Protocol):
    """The iptables family of dockerd's own binary, and no other."""

    def observe(self) -> Firewall: ...
    def family(self) -> str:
        """ "nft" or "legacy", "" without iptables."""
        ...

    def saved(self) -> str:
        """All tables as iptables-save prints them; naming none, so that none appears.

        Raises OperationFailed when they cannot be read: that is not the same as no rules.
        """
        ...

    def edit(self, edits: Mapping[str, Sequence[Edit]]) -> None:
        """Make the edits of each table, one atomic commit a table."""
        ...

    def remove_empty(self, table: str) -> None:
        """Remove a table that has no rule and only built-in chains, where the kernel can."""
        ...


class NatSettings(Protocol):
    """The NAT settings of this host, on its own disk."""

    def read(self) -> NatState: ...
    def write(self, state: NatState) -> None:
        """Replace them, on the disk when this returns."""
        ...


class Forwarding(Protocol):
    """net.ipv4.ip_forward, now and after a reboot (sysctl.d(5))."""

    def enabled(self) -> bool: ...
    def enable(self) -> None: ...
    def disable(self) -> None: ...


@frozen
class HostFacts:
    """Small facts read from /proc and /etc by the adapters."""

    hostname: str
    kernel: str
    boot_id: str
    ip_forward: bool
    resolvers: tuple[tuple[IPv4Address, str], ...]
    listeners: tuple[Listener, ...] = ()


class Facts(Protocol):
    """Reads HostFacts."""

    def read(self) -> HostFacts: ...


@frozen
class HostPorts:
    """Everything that the engine may touch of one host."""

    netlink: Netlink
    docker: DockerApi
    config: ConfigFiles
    service: Service
    firewall: FirewallPort
    facts: Facts
    nat: NatSettings
    forwarding: Forwarding


class Emit(Protocol):
    """Receives what `apply` says; `kind` is one of the contract's event types.

    `step` counts from 1 in the plan's order, None for what belongs to no step.
    """

    def __call__(
        self, kind: str, message: str = "", *, step: int | None = None, **data: Json
    ) -> None: ...


Reserved = Sequence[tuple[IPv4Network, str]]
