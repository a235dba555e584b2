"""All findings about a subnet change, blockers first."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from netops.engine.findings import containers, fit, overlaps, service
from netops.engine.findings.subnet_case import SubnetCase
from netops.engine.plan import BLOCKER, INFO, WARNING, Finding

ALL: tuple[Callable[[SubnetCase], Iterable[Finding]], ...] = (
    fit.docker_running,
    fit.config_readable,
    fit.config_flags,
    service.config_in_force,
    fit.bridge_managed,
    fit.no_change,
    overlaps.docker_networks,
    overlaps.host_addresses,
    overlaps.routes,
    overlaps.dns,
    overlaps.controller,
    overlaps.reserved,
    fit.too_small,
    fit.fixed_cidr,
    fit.default_gateway,
    fit.swarm,
    containers.removed,
    containers.host_ip_bound,
    fit.observation_complete,
    fit.public_range,
    fit.extra_addresses,
    fit.routes_through_bridge,
    containers.controller_through_bridge,
    containers.rules_name_old,
    containers.starts_stopped,
    containers.ports_contested,
    containers.restarting,
    containers.slow_to_stop,
    service.stops_units,
    containers.restarts,
    containers.starts_unmanaged,
    containers.live_restore,
    fit.address_pools,
)

_RANK = {BLOCKER: 0, WARNING: 1, INFO: 2}


def findings_of(case: SubnetCase, more: Iterable[Finding] = ()) -> tuple[Finding, ...]:
    """Return every finding about the case, and `more`: blockers, warnings, then information."""
    found = [*(finding for look in ALL for finding in look(case)), *more]
    return tuple(sorted(found, key=lambda finding: _RANK[finding.severity]))
