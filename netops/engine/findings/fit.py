"""Does the new subnet fit what runs on the host and how its dockerd is set up?"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from netops.engine.before import own_routes
from netops.engine.findings.subnet_case import (
    BRIDGE_LINK,
    BRIDGE_NETWORK,
    SubnetCase,
    info,
    listed,
    network_of,
    warning,
)
from netops.engine.layers import layers_of
from netops.engine.plan import Finding
from netops.engine.sizing import prefixlen_for

EDITED = ("daemon.json", "DOCKER_OPTS")
# How observe.py begins a problem with a reading that every plan stands on.
NEEDED = (
    "Service:", "Configuration:", "Docker:", "Networks:", "Containers:", "Links:", "Addresses:",
    "Routes:", "Container namespaces:", "Dependent units:",
)  # fmt: skip


def no_change(case: SubnetCase) -> Iterator[Finding]:
    """Only if every layer has the subnet and the gateway already."""
    layers, desired = layers_of(case.observed), case.desired
    there = case.observed.addresses_of(BRIDGE_LINK) == (desired.interface,)
    if layers.agree and layers.docker == desired.subnet and there:
        message = (
            f"docker0 already is {desired.interface}: dockerd's configuration, Docker's own "
            "record, the kernel and the containers all have it. There is nothing to do."
        )
        yield case.blocker("no-change", message)


def too_small(case: SubnetCase) -> Iterator[Finding]:
    """Containers that get no address stay down, and nothing tries again."""
    subnet = case.desired.subnet
    late = [c for c in case.started_by_docker if c.endpoint(BRIDGE_NETWORK)]
    needed = len(case.on_bridge) + len(late)
    room = _room(case)
    if needed > room:
        fixed = case.setting("fixed-cidr")
        within = f" (fixed-cidr leaves {fixed.value})" if fixed else ""
        message = (
            f"{subnet}{within} has room for {room} beside the gateway, but the containers of the "
            f"default bridge need {needed}. Ask for a /{prefixlen_for(needed)} or larger."
        )
        yield case.blocker("too-small", message, str(subnet))


def _room(case: SubnetCase) -> int:
    """How many addresses Docker can give to containers."""
    subnet = case.desired.subnet
    low, high = int(subnet.network_address) + 1, int(subnet.broadcast_address) - 1
    fixed = case.setting("fixed-cidr")
    pool = network_of(fixed.value) if fixed else None
    if pool is not None and pool.subnet_of(subnet):
        low = max(low, int(pool.network_address))
        high = min(high, int(pool.broadcast_address))
    taken = {case.desired.gateway, _default_gateway(case)}
    return max(0, high - low + 1 - sum(1 for a in taken if a and low <= int(a) <= high))


def _default_gateway(case: SubnetCase) -> IPv4Address | None:
    setting = case.setting("default-gateway")
    network = network_of(setting.value) if setting else None
    return network.network_address if network else None


def fixed_cidr(case: SubnetCase) -> Iterator[Finding]:
    """dockerd does not start with a fixed-cidr outside of bip's subnet."""
    setting = case.setting("fixed-cidr")
    if setting is None:
        return
    pool = network_of(setting.value)
    if pool is None or not pool.subnet_of(case.desired.subnet):
        message = (
            f"dockerd's fixed-cidr {setting.value} ({setting.path}) is not inside "
            f"{case.desired.subnet}; dockerd would not start. Change or remove fixed-cidr there, "
            "or choose a subnet around it."
        )
        yield case.blocker("fixed-cidr-outside", message, str(setting.value))


def default_gateway(case: SubnetCase) -> Iterator[Finding]:
    """dockerd does not start with a default-gateway outside of bip's subnet."""
    setting = case.setting("default-gateway")
    if setting is None:
        return
    address = _default_gateway(case)
    if address is None or address not in case.desired.subnet:
        message = (
            f"dockerd's default-gateway {setting.value} ({setting.path}) is not inside "
            f"{case.desired.subnet}; dockerd would not start. Change or remove default-gateway "
            "there, or choose a subnet around it."
        )
        yield case.blocker("gateway-outside", message, str(setting.value))


def bridge_managed(case: SubnetCase) -> Iterator[Finding]:
    """`bip` only works where Docker itself makes docker0."""
    setting = case.setting("bridge")
    if setting is not None:
        message = (
            f"dockerd's setting bridge is “{setting.value}” ({setting.path}), so Docker does not "
            "manage docker0 and refuses bip. Remove that setting, or change that bridge by hand."
        )
        yield case.blocker("bridge-not-managed", message, str(setting.value))
    elif case.observed.daemon.running and (
        case.network is None
        or case.old_interface is None
        or case.network.bridge not in ("", BRIDGE_LINK)
    ):
        message = (
            "Docker on this host has no default network on docker0 with an IPv4 subnet. Restart "
            "Docker, look at `docker network inspect bridge`, then ask for a new plan."
        )
        yield case.blocker("bridge-not-managed", message)


def config_readable(case: SubnetCase) -> Iterator[Finding]:
    """A file that dockerd cannot read is not ours to mend."""
    config = case.observed.config
    if config.error:
        message = (
            f"{config.path} cannot be read: {config.error.rstrip('.')}. dockerd would not start "
            "with it either. Mend the file, then ask for a new plan; it was left as it is."
        )
        yield case.blocker("config-unreadable", message, config.path)


def config_flags(case: SubnetCase) -> Iterator[Finding]:
    """A setting that stands where Dockernet does not write, or twice."""
    for key in case.observed.config.conflicts:
        message = (
            f"“{key}” is set both in {case.observed.config.path} and as a flag of dockerd, which "
            "then refuses to start. Remove one of the two, then ask for a new plan."
        )
        yield case.blocker("config-flag-conflict", message, key)
    bip = case.setting("bip")
    if bip is not None and bip.origin not in EDITED:
        where = bip.path or "its command line"
        message = (
            f"dockerd is started with --bip={bip.value} ({bip.origin}, {where}), which Dockernet "
            f"does not edit. Move it to {case.observed.config.path} as “bip”, restart Docker, "
            "then ask for a new plan."
        )
        yield case.blocker("config-flag-conflict", message, "bip")


def swarm(case: SubnetCase) -> Iterator[Finding]:
    """A node that leaves for some seconds has its tasks moved."""
    if case.observed.daemon.swarm_active:
        message = (
            "This host is a node of a swarm; while Docker restarts, its services are moved to "
            "other nodes. Drain the node first (docker node update --availability drain), or "
            "accept that they move."
        )
        yield case.blocker("swarm-node", message)


def docker_running(case: SubnetCase) -> Iterator[Finding]:
    """What Docker holds cannot be seen while it is down, nor stopped if the init has it not."""
    daemon, service = case.observed.daemon, case.observed.service
    if not daemon.running:
        message = (
            "Docker does not run on this host, so its networks and containers are not known. "
            "Start it, then ask for a new plan."
        )
        yield case.blocker("docker-not-running", message)
    elif not service.active:
        message = (
            f"dockerd runs, but not as the service of {service.manager}, so that Dockernet could "
            "not stop it. Stop it by hand, start the service, then ask for a new plan."
        )
        yield case.blocker("docker-not-a-service", message)


def observation_complete(case: SubnetCase) -> Iterator[Finding]:
    """What could not be looked at cannot be ruled out."""
    told = not case.observed.daemon.running or not case.observed.service.active
    config = case.observed.config
    told = told or bool(config.error or config.conflicts)
    in_words = config.reload_needed or bool(config.pending)
    for problem in case.observed.problems:
        if problem.startswith(NEEDED):
            message = (
                f"A part of this host that decides could not be looked at: {problem} Mend that, "
                "then ask for a new plan."
            )
            yield case.blocker("observation-incomplete", message, problem)
        elif not told and not (in_words and problem in config.notes):
            yield warning("host-problem", f"Seen on this host: {problem}", problem)


def public_range(case: SubnetCase) -> Iterator[Finding]:
    """Addresses of others on the Internet."""
    private = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
    subnet = case.desired.subnet
    if not any(subnet.subnet_of(IPv4Network(p)) for p in private):
        message = (
            f"{subnet} is not a private range (RFC 1918); whoever has these addresses on the "
            "Internet can no longer be reached from this host."
        )
        yield warning("public-range", message, str(subnet))


def extra_addresses(case: SubnetCase) -> Iterator[Finding]:
    """More than one IPv4 address on docker0: all of them go."""
    extra = [i for i in case.observed.addresses_of(BRIDGE_LINK) if i != case.old_interface]
    if extra and case.old_interface is not None:
        names = listed([str(i) for i in extra])
        there = case.old_interface in case.observed.addresses_of(BRIDGE_LINK)
        if there:
            message = (
                f"docker0 has {names} beside {case.old_interface}. Only the new address remains "
                "after the change: all others come back only if it is rolled back."
            )
        else:
            message = (
                f"docker0 has {names} in the kernel, not {case.old_interface} as Docker believes. "
                "Only the new address remains after the change: what is there now comes back only "
                "if it is rolled back."
            )
        yield warning("extra-addresses", message, names)


def routes_through_bridge(case: SubnetCase) -> Iterator[Finding]:
    """Routes that somebody added through docker0: the kernel drops them when it is set down."""
    routes = own_routes(case.observed.routes)
    if routes:
        names = listed([f"{r.destination} via {r.gateway or BRIDGE_LINK}" for r in routes])
        message = (
            f"Somebody added routes through docker0: {names}. They go with the old subnet, and "
            "come back only if the change is rolled back. Add them again after it if they are "
            "still needed."
        )
        yield warning("drops-routes", message, names)


def address_pools(case: SubnetCase) -> Iterator[Finding]:
    """default-address-pools and bip: bip wins for docker0."""
    if case.setting("default-address-pools"):
        message = (
            "default-address-pools is set: Docker makes docker0 anew at every start. The new bip "
            "goes before the pools for docker0; other networks keep using them."
        )
        yield info("default-address-pools", message)
