"""A host as the API shows it (the public contract). Reads no database but for the host's tags."""

from __future__ import annotations

from typing import Any

from hosts.models import Host
from hosts.nat_audit import nat_audit
from netops.engine.layers import layers_of
from netops.engine.nat.audit import NatEntry
from netops.engine.observed import Container, DockerNetwork, Observed
from netops.engine.serial import to_json

_UNKNOWN: dict[str, Any] = {
    "docker": None,
    "firewall": None,
    "networks": [],
    "layers": None,
    "nat": None,
}


def host_json(host: Host) -> dict[str, Any]:
    """Return the host; what nobody has seen yet is null, or an empty list of networks."""
    observed = host.observation
    return {
        "name": host.name,
        "environment": host.environment,
        "tags": [tag.name for tag in host.tags.all()],
        "status": host.status,
        "conflicts": host.conflict_count,
        "agent_version": host.agent_version,
        "last_seen_at": host.last_seen_at,
        "observed_at": host.observed_at,
        "keys_at": host.keys_at or host.enrolled_at,
        "rotation_pending": bool(host.next_secret),
        **(_UNKNOWN if observed is None else _observed_json(observed)),
    }


def _observed_json(observed: Observed) -> dict[str, Any]:
    daemon = observed.daemon
    return {
        "docker": {
            "version": daemon.version,
            "running": daemon.running,
            "service": observed.service.manager,
            "live_restore": daemon.live_restore,
        },
        "firewall": {"backend": observed.firewall.backend},
        "networks": [_network_json(network, observed) for network in observed.networks],
        "layers": layers_json(observed),
        "nat": nat_json(observed),
    }


def nat_json(observed: Observed) -> list[dict[str, Any]] | None:
    """Return the audit of the host's NAT, null where its rules are not known."""
    entries = nat_audit(observed)
    return None if entries is None else [_nat_entry_json(entry) for entry in entries]


def _nat_entry_json(entry: NatEntry) -> dict[str, Any]:
    return {
        "network": entry.network or None,
        "bridge": entry.bridge or None,
        "subnet": str(entry.subnet),
        "by": entry.by,
        "expected": entry.expected,
        "state": entry.state,
        "message": entry.message,
        "rules": list(entry.rules),
        "mend": entry.mend,
        "hint": entry.hint,
    }


def layers_json(observed: Observed) -> dict[str, Any]:
    """Return the default bridge's subnet in each of the four layers, and whether they agree.

    `kernel` and `containers` are one text where the layer has one subnet (as it should), a list
    where it has several, null where it has none.
    """
    layers = layers_of(observed)
    return {
        "configured": to_json(layers.configured) and str(layers.configured),
        "docker": to_json(layers.docker) and str(layers.docker),
        "kernel": _one_or_list(layers.kernel),
        "containers": _one_or_list(layers.containers),
        "agree": layers.agree,
    }


def _one_or_list(subnets: tuple[object, ...]) -> str | list[str] | None:
    texts = sorted({str(subnet) for subnet in subnets})
    if not texts:
        return None
    return texts[0] if len(texts) == 1 else texts


def _network_json(network: DockerNetwork, observed: Observed) -> dict[str, Any]:
    inside = [c for c in observed.containers if c.running and c.endpoint(network.name)]
    return {
        "name": network.name,
        "driver": network.driver,
        "bridge": network.bridge or None,
        "subnet": str(network.subnets[0]) if network.subnets else None,
        "gateway": str(network.gateway) if network.gateway else _gateway(network, observed),
        "containers": [_container_json(c, network.name) for c in inside],
    }


def _gateway(network: DockerNetwork, observed: Observed) -> str | None:
    """Docker may leave the default bridge's gateway out; then it is the bridge's own address."""
    if not network.bridge:
        return None
    return next((str(a.ip) for a in observed.addresses_of(network.bridge)), None)


def _container_json(container: Container, network: str) -> dict[str, Any]:
    endpoint = container.endpoint(network)
    return {
        "name": container.name,
        "ipv4": str(endpoint.ipv4) if endpoint and endpoint.ipv4 else None,
        "mac": endpoint.mac if endpoint else "",
        "veth": endpoint.veth if endpoint else "",
        "restart_policy": container.restart_policy,
        "state": container.state,
    }
