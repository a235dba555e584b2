"""What a host is, as read from it. Frozen values only; how to read them is `observe.py`."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from attrs import field, frozen

from netops.engine.nat_setting import NatState
from netops.engine.pending import PendingFlag
from netops.engine.serial import Json


@frozen
class Link:
    """A network interface (ip-link(8)). `peer_index` is IFLA_LINK: for a veth the other end."""

    index: int
    name: str
    kind: str
    mac: str
    up: bool
    mtu: int
    master: str = ""
    peer_index: int | None = None


@frozen
class Address:
    """An IPv4 address with its prefix on a link (ip-address(8))."""

    link: str
    interface: IPv4Interface
    scope: str = "global"
    secondary: bool = False


@frozen
class Route:
    """An IPv4 unicast route of any table (ip-route(8)); `destination` 0.0.0.0/0 is the default."""

    table: int
    destination: IPv4Network
    gateway: IPv4Address | None
    link: str
    source: IPv4Address | None = None
    protocol: str = ""


@frozen
class BridgePort:
    """A port of a bridge; `container` is the name of the one behind the veth, "" if none is."""

    bridge: str
    link: str
    container: str = ""


@frozen
class Publish:
    """A published port of a container; `host_ip` None means every address of the host."""

    protocol: str
    host_ip: IPv4Address | None
    host_port: int
    container_port: int


@frozen
class Endpoint:
    """A container's place in one Docker network; `static_ipv4` is an address it asked for."""

    network: str
    ipv4: IPv4Address | None = None
    prefixlen: int | None = None
    gateway: IPv4Address | None = None
    mac: str = ""
    static_ipv4: IPv4Address | None = None
    veth: str = ""


@frozen
class Container:
    """A container. `state` as Docker says it: running, paused, restarting, exited, created, dead.

    `stop_timeout` is in seconds, None where Docker's default (10) holds. `kernel_ipv4` are the
    addresses that its network namespace really has (empty when it does not run).
    `heeds_stop_signal`: its pid 1 catches, blocks or waits for the stop signal (proc(5)), False
    where the kernel drops it, None where it is not known.
    `just_restarted`: its restart policy started it less than ten seconds ago.
    `exit_code`: how its last run ended, None unless it is "exited".
    `labels` are those by which its manager knows it (see `MANAGER_LABELS` of docker_read.py).
    `manually_stopped`: a person or a program stopped it through Docker, False where it ended by
    itself or with dockerd, None where it runs or that is not known. `finished_at` (RFC 3339) is the
    end of its last run, `health` what its health check says; an observation leaves both out.
    """

    id: str
    name: str
    image: str
    state: str
    pid: int
    restart_policy: str
    auto_remove: bool
    network_mode: str
    stop_timeout: int | None = None
    stop_signal: str = ""
    uses_init: bool = False
    endpoints: tuple[Endpoint, ...] = ()
    publishes: tuple[Publish, ...] = ()
    kernel_ipv4: tuple[IPv4Interface, ...] = ()
    heeds_stop_signal: bool | None = None
    just_restarted: bool = False
    exit_code: int | None = None
    labels: dict[str, str] = field(factory=dict)
    manually_stopped: bool | None = None
    finished_at: str = ""
    health: str = ""

    @property
    def running(self) -> bool:
        """True while it has processes: running, paused or between two restarts."""
        return self.state in ("running", "paused", "restarting")

    @property
    def looping(self) -> bool:
        """True if its restart policy has it start again and again: its address comes and goes."""
        return self.state == "restarting" or (self.running and self.just_restarted)

    def endpoint(self, network: str) -> Endpoint | None:
        """Return its endpoint in the Docker network of that name, None when it has none."""
        return next((e for e in self.endpoints if e.network == network), None)


@frozen
class DockerNetwork:
    """A Docker network; `bridge` is the Linux bridge of a bridge network, "" for other drivers.

    `internal` networks have no way out; `masquerade` is the driver's option to translate sources.
    """

    id: str
    name: str
    driver: str
    bridge: str
    subnets: tuple[IPv4Network, ...] = ()
    gateway: IPv4Address | None = None
    internal: bool = False
    masquerade: bool = True


@frozen
class DockerDaemon:
    """The running engine. `firewall_backend` as `GET /info` says from API 1.49 on, else ""."""

    running: bool
    version: str = ""
    api_version: str = ""
    live_restore: bool = False
    swarm_active: bool = False
    root_dir: str = ""
    firewall_backend: str = ""
    pid: int | None = None


@frozen
class ConfigValue:
    """One setting of dockerd that is in force, and the place that sets it.

    `origin` is "daemon.json", "DOCKER_OPTS", "unit", "drop-in", "command line" or "default";
    `path` the file that a person would open ("" for a default).
    """

    key: str
    value: Json
    origin: str
    path: str = ""


@frozen
class DaemonConfig:
    """dockerd's configuration as the next start will read it.

    `content` is the text of daemon.json (None: no such file), `error` why it cannot be parsed.
    `conflicts` are keys that stand both in daemon.json and as a flag (dockerd refuses to start).
    `flags_path` is where a network flag that is in force would be edited, "" when there is none.
    `pending` are the flags that the running dockerd has otherwise, `wrapper` is the program that
    starts dockerd in its stead ("": none does). `reload_needed`: docker.service has changed since
    systemd read it, so that it would start as it was. `notes` are sentences for people.
    """

    path: str
    content: str | None
    values: tuple[ConfigValue, ...] = ()
    error: str = ""
    conflicts: tuple[str, ...] = ()
    flags_path: str = ""
    notes: tuple[str, ...] = ()
    pending: tuple[PendingFlag, ...] = ()
    wrapper: str = ""
    reload_needed: bool = False

    def get(self, key: str) -> ConfigValue | None:
        """Return the value in force for a daemon.json key such as "bip", None if not set."""
        return next((v for v in self.values if v.key == key and v.origin != "default"), None)


@frozen
class ServiceState:
    """Docker's service as the host's init has it. `socket_unit`: docker.socket exists (systemd).
    `dependents`: the units that run and stop with Docker (see `ports.Service`).
    """

    manager: str
    active: bool
    socket_unit: bool = False
    dependents: tuple[str, ...] = ()


@frozen
class Resolver:
    """A DNS server that the host uses, and the file that names it."""

    address: IPv4Address
    path: str


@frozen
class Firewall:
    """The iptables family of dockerd's own binary: nft, legacy or docker-nftables.

    `rules` are the lines of `iptables-save` (nat and filter) that Docker did not make itself and
    that name an IPv4 address or network. `tables` are the tables that there are. `nat` is the table
    nat and `forward` the chain FORWARD of filter (with ours), as lines for `ruleset.table_of`;
    `left_out` counts the rules of nat that were too many to tell. `other_nat` are the rules of nat
    in the family that dockerd does not use. `front_ends` are programs that manage the firewall
    (firewalld, ufw).
    """

    backend: str
    version: str = ""
    rules: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    nat: tuple[str, ...] = ()
    forward: tuple[str, ...] = ()
    left_out: int = 0
    other_nat: tuple[str, ...] = ()
    front_ends: tuple[str, ...] = ()


@frozen
class Listener:
    """A program of the host that takes packets for a port; `address` None: on every address."""

    protocol: str
    address: IPv4Address | None
    l4_port: int


@frozen
class Controller:
    """The site as this host reaches it: its addresses and the link that packets to it leave by."""

    addresses: tuple[IPv4Address, ...] = ()
    link: str = ""


@frozen
class Observed:
    """A host at one moment (`at`, ISO 8601 UTC)."""

    at: str
    hostname: str
    kernel: str
    boot_id: str
    daemon: DockerDaemon
    config: DaemonConfig
    service: ServiceState
    firewall: Firewall
    controller: Controller = Controller()
    links: tuple[Link, ...] = ()
    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    ports: tuple[BridgePort, ...] = ()
    networks: tuple[DockerNetwork, ...] = ()
    containers: tuple[Container, ...] = ()
    resolvers: tuple[Resolver, ...] = ()
    ip_forward: bool = False
    problems: tuple[str, ...] = ()
    listeners: tuple[Listener, ...] = ()
    nat: NatState = field(factory=NatState)

    def network(self, name: str) -> DockerNetwork | None:
        """Return the Docker network of that name, None if there is none."""
        return next((n for n in self.networks if n.name == name), None)

    def addresses_of(self, link: str) -> tuple[IPv4Interface, ...]:
        """Return the IPv4 addresses of a link, in the kernel's order."""
        return tuple(a.interface for a in self.addresses if a.link == link)
