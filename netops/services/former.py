"""What a host was before a change, as the specification of a new one."""

from __future__ import annotations

from ipaddress import IPv4Interface
from typing import Any

from hosts.models import Observation
from hosts.selectors import observation_before
from netops.engine.errors import MessageRejected
from netops.engine.observed import Observed
from netops.engine.plan import Plan
from netops.engine.serial import from_json
from netops.models import Change
from people.errors import Conflict


def former_spec(change: Change) -> dict[str, Any]:
    """Return the specification that brings back what `change` replaced.

    Raises Conflict when neither its plan nor anything seen of the host before its job says so.
    """
    spec = _FORMER_BY_PLAN.get(change.kind, _unplanned)(change.current_plan)
    if spec is None:
        spec = _seen_before(change)
    if spec is None:
        message = f"What {change.host.name} was before change {change.pk} is not known."
        raise Conflict("former-unknown", message)
    if change.spec.get("accept"):
        spec["accept"] = change.spec["accept"]
    return spec


def _unplanned(plan: Plan | None) -> dict[str, Any] | None:
    return None


def _planned_subnet(plan: Plan | None) -> dict[str, Any] | None:
    """The plan's own word, which held when its job began; no clock of the host is asked."""
    remember = next((s for s in plan.steps if s.kind == "remember"), None) if plan else None
    try:
        old = IPv4Interface(str(remember.params["interface"])) if remember else None
    except (KeyError, ValueError):
        return None
    if old is None:
        return None
    return {"network": "bridge", "subnet": str(old.network), "gateway": str(old.ip)}


def _planned_nat(plan: Plan | None) -> dict[str, Any] | None:
    """The setting that the plan was made from; "none" where the subnet had none."""
    settings = plan.basis.get("settings") if plan else None
    if plan is None or not isinstance(settings, dict):
        return None
    subnet = str(plan.spec.get("subnet"))
    before = settings.get(subnet)
    if before is None:
        return {"subnet": subnet, "mode": "none"}
    spec = before.get("spec") if isinstance(before, dict) else None
    return dict(spec) if isinstance(spec, dict) else None


def _seen_before(change: Change) -> dict[str, Any] | None:
    job = change.jobs.order_by("-created_at").first()
    seen = observation_before(host=change.host, at=job.created_at) if job else None
    observed = _observed(seen)
    return _FORMER.get(change.kind, _unknown)(observed) if observed else None


def _observed(seen: Observation | None) -> Observed | None:
    try:
        return from_json(Observed, seen.data) if seen else None
    except MessageRejected:
        return None


def _unknown(observed: Observed) -> dict[str, Any] | None:
    return None


def _former_subnet(observed: Observed) -> dict[str, Any] | None:
    network = observed.network("bridge")
    if network is None or not network.subnets:
        return None
    spec: dict[str, Any] = {"network": "bridge", "subnet": str(network.subnets[0])}
    addresses = observed.addresses_of(network.bridge or "docker0")
    inside = [a.ip for a in addresses if a.ip in network.subnets[0]]
    gateway = network.gateway or (inside[0] if inside else None)
    if gateway is not None:
        spec["gateway"] = str(gateway)
    return spec


_FORMER = {"subnet": _former_subnet}
_FORMER_BY_PLAN = {"subnet": _planned_subnet, "nat": _planned_nat}
