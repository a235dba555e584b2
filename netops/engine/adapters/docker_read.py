"""The Engine API's JSON as the engine's values (docs.docker.com/reference/api/engine)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from netops.engine.observed import Container, DockerDaemon, DockerNetwork, Endpoint, Publish

_STEADY = timedelta(seconds=10)
MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade"
_BRIDGE_NAME = "com.docker.network.bridge.name"
# The labels by which compose, swarm and the kubelet know a container of theirs again.
MANAGER_LABELS = (
    "com.docker.compose.project", "com.docker.compose.service",
    "com.docker.compose.container-number", "com.docker.compose.depends_on",
    "com.docker.compose.oneoff",
    "com.docker.swarm.service.id", "com.docker.swarm.task.id",
    "io.kubernetes.pod.namespace", "io.kubernetes.pod.name", "io.kubernetes.container.name",
)  # fmt: skip


def read_daemon(
    version: Mapping[str, Any], info: Mapping[str, Any], pid: int | None
) -> DockerDaemon:
    """Return the daemon from the answers of GET /version and GET /info."""
    swarm = (info.get("Swarm") or {}).get("LocalNodeState", "inactive")
    return DockerDaemon(
        running=True,
        version=version.get("Version", ""),
        api_version=version.get("ApiVersion", ""),
        live_restore=bool(info.get("LiveRestoreEnabled")),
        swarm_active=swarm not in ("", "inactive"),
        root_dir=info.get("DockerRootDir", ""),
        firewall_backend=(info.get("FirewallBackend") or {}).get("Driver", ""),
        pid=pid,
    )


def read_network(data: Mapping[str, Any]) -> DockerNetwork:
    """Return a network from an entry of GET /networks; IPv6 subnets are left out."""
    pools = [p for p in (data.get("IPAM") or {}).get("Config") or [] if _subnet(p.get("Subnet"))]
    bridge = ""
    if data["Driver"] == "bridge":
        bridge = (data.get("Options") or {}).get(_BRIDGE_NAME) or f"br-{data['Id'][:12]}"
    return DockerNetwork(
        id=data["Id"],
        name=data["Name"],
        driver=data["Driver"],
        bridge=bridge,
        subnets=tuple(subnet for p in pools if (subnet := _subnet(p["Subnet"]))),
        gateway=_address(pools[0].get("Gateway")) if pools else None,
        internal=bool(data.get("Internal")),
        masquerade=(data.get("Options") or {}).get(MASQUERADE, "true") != "false",
    )


def read_container(data: Mapping[str, Any]) -> Container:
    """Return a container from GET /containers/ID/json; the kernel's side of it is not in there."""
    config, host = data.get("Config") or {}, data.get("HostConfig") or {}
    state = data.get("State") or {}
    networks = (data.get("NetworkSettings") or {}).get("Networks") or {}
    return Container(
        id=data["Id"],
        name=data["Name"].lstrip("/"),
        image=config.get("Image", ""),
        state=state.get("Status", ""),
        pid=state.get("Pid") or 0,
        restart_policy=(host.get("RestartPolicy") or {}).get("Name") or "no",
        auto_remove=bool(host.get("AutoRemove")),
        network_mode=host.get("NetworkMode", ""),
        stop_timeout=config.get("StopTimeout"),
        stop_signal=config.get("StopSignal") or "",
        uses_init=bool(host.get("Init")),
        endpoints=tuple(read_endpoint(name, networks[name] or {}) for name in sorted(networks)),
        publishes=_publishes(data),
        just_restarted=_just_restarted(data),
        exit_code=state.get("ExitCode") if state.get("Status") == "exited" else None,
        labels=_labels(config.get("Labels") or {}),
        finished_at=state.get("FinishedAt") or "",
        health=(state.get("Health") or {}).get("Status") or "",
    )


def _labels(labels: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(labels[name]) for name in MANAGER_LABELS if name in labels}


def _just_restarted(data: Mapping[str, Any]) -> bool:
    """Whether its restart policy started it less than ten seconds ago.

    After ten seconds Docker itself takes a container for steady and waits no longer before the
    next restart (moby restartmanager, defaultTimeout and its reset).
    """
    if not data.get("RestartCount"):
        return False
    try:
        started = datetime.fromisoformat((data.get("State") or {}).get("StartedAt", ""))
    except ValueError:
        return False
    return started.tzinfo is not None and datetime.now(UTC) - started < _STEADY


def read_endpoint(network: str, data: Mapping[str, Any]) -> Endpoint:
    """Return an endpoint from an entry of NetworkSettings.Networks."""
    ipv4 = _address(data.get("IPAddress"))
    return Endpoint(
        network=network,
        ipv4=ipv4,
        prefixlen=data.get("IPPrefixLen") if ipv4 else None,
        gateway=_address(data.get("Gateway")),
        mac=data.get("MacAddress") or "",
        static_ipv4=_address((data.get("IPAMConfig") or {}).get("IPv4Address")),
    )


def _publishes(data: Mapping[str, Any]) -> tuple[Publish, ...]:
    """What was asked for (HostConfig) and what Docker gave (NetworkSettings), each once.

    A binding asked for without a fixed port is known only by what was given.
    """
    asked = (data.get("HostConfig") or {}).get("PortBindings") or {}
    given = (data.get("NetworkSettings") or {}).get("Ports") or {}
    found = {publish for ports in (asked, given) for publish in _bindings(ports)}
    return tuple(
        sorted(found, key=lambda p: (p.container_port, p.protocol, p.host_port, str(p.host_ip)))
    )


def _bindings(ports: Mapping[str, Any]) -> Iterator[Publish]:
    for spec, bindings in ports.items():
        port, _, protocol = spec.partition("/")
        for binding in bindings or []:
            host_ip, host_port = binding.get("HostIp") or "", binding.get("HostPort") or ""
            address = _address(host_ip)
            if not host_port.isdigit() or not port.isdigit() or int(host_port) == 0:
                continue  # A range, or "any": the port given stands in NetworkSettings.
            if host_ip and address is None:
                continue  # IPv6
            if address == IPv4Address(0):
                address = None
            yield Publish(protocol or "tcp", address, int(host_port), int(port))


def _address(text: str | None) -> IPv4Address | None:
    try:
        return IPv4Address((text or "").partition("/")[0])
    except ValueError:
        return None


def _subnet(text: str | None) -> IPv4Network | None:
    try:
        return IPv4Network(text or "", strict=False)
    except ValueError:
        return None
