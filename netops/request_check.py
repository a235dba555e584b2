"""What a request would lead to, before it is sent: judged on what the host last reported.

The same findings code runs as on the host; only what other hosts of the fleet have is added here.
The host itself decides: it looks at itself anew when it makes the plan.
"""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv4Network
from statistics import median
from typing import Any

from attrs import evolve, frozen
from django.utils.translation import gettext as _

from hosts.models import Host
from hosts.selectors import reserved_networks
from hosts.services.hosts import require_online
from netops.engine.desired import KINDS, Desired, parse_spec
from netops.engine.desired_subnet import DesiredSubnet
from netops.engine.errors import Refused, SpecInvalid
from netops.engine.findings import fit, overlaps
from netops.engine.findings.subnet_case import SubnetCase
from netops.engine.layers import default_bridge
from netops.engine.observed import DaemonConfig, DockerDaemon, Firewall, Observed, ServiceState
from netops.engine.plan import BLOCKER, INFO, Finding, Plan
from netops.engine.planner import make_plan
from netops.engine.sizing import next_free
from netops.engine.spec_reader import network_meant
from netops.free_ranges import taken
from netops.request_consequences import consequences_of
from netops.request_fleet import fleet_notes
from netops.request_targets import target_notes
from netops.selectors_request import holder_of, outages_of
from netops.services.changes import held_text

# The list of consequences says these in its own words.
_ODDLY_WRITTEN = ("host-bits", "not-ipv4")
_SAID_BELOW = ("restarts-containers", "starts-unmanaged-containers")
_NOTHING_SEEN = Observed(
    at="",
    hostname="",
    kernel="",
    boot_id="",
    daemon=DockerDaemon(False),
    config=DaemonConfig("", None),
    service=ServiceState("", False),
    firewall=Firewall(""),
)


@frozen
class Check:
    """What is known of a request so far.

    `problems` are faults of what was typed (`invalid` has their fields), `proposed` the network
    that was meant by one that was written oddly, `free` the next free network where the one that
    was typed is in use. `busy` is why the host takes no request now (`busy_pk`: the change that
    holds it), `findings` what its plan would say, `notes` what other hosts have or no
    container has, `consequences` what carrying it out would do. `seen_at` is when the host last
    reported, None where it is not known; `docker0` the address that it has now.
    """

    host: Host | None = None
    asked: bool = False
    problems: tuple[str, ...] = ()
    invalid: SpecInvalid | None = None
    proposed: IPv4Network | None = None
    free: IPv4Network | None = None
    busy: str = ""
    busy_pk: int = 0
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    consequences: tuple[str, ...] = ()
    moves: tuple[Any, ...] = ()
    seen_at: datetime | None = None
    unread: bool = False
    docker0: str = ""

    @property
    def may_accept(self) -> bool:
        """True when nothing forbids this but risks that a person may take."""
        risks = {code for entry in KINDS.values() for code in entry.acceptable}
        return all(f.code in risks for f in self.findings if f.severity == BLOCKER)

    @property
    def verdict(self) -> str:
        """faulty, refused, busy, warned, good, or "" while nothing was asked."""
        if self.problems:
            return "faulty"
        if any(f.severity == BLOCKER for f in self.findings):
            return "refused"
        if not self.asked:
            return ""
        if self.busy:
            return "busy"
        warned = self.unread or self.notes or any(f.severity != INFO for f in self.findings)
        # What was not held against a host is not called good.
        return "warned" if warned else "good" if self.host else ""


def check_of(*, kind: str, spec: dict[str, Any], host: Host | None) -> Check:
    """Return what can be said of a request for `host` (None: not named yet, or unknown)."""
    observed = host.observation if host else None
    known: dict[str, Any] = {
        "host": host,
        **(_busy(host) if host else {}),
        "seen_at": host.observed_at if host and observed else None,
        "unread": host is not None and observed is None,
        "docker0": _docker0(observed) if observed else "",
    }
    subnet = str(spec.get("subnet") or "").strip()
    if not subnet:
        return Check(**known)
    try:
        desired = parse_spec(kind, spec)
    except SpecInvalid as invalid:
        odd = any(f == "subnet" and code in _ODDLY_WRITTEN for f, code, _ in invalid.problems)
        problems = tuple(message for _, _, message in invalid.problems)
        proposed = network_meant(subnet) if odd else None
        check = Check(**known, asked=True, problems=problems, proposed=proposed)
        return evolve(check, invalid=invalid)
    return _judged(desired, host, observed, known)


def _judged(
    desired: Desired, host: Host | None, observed: Observed | None, known: dict[str, Any]
) -> Check:
    reserved = reserved_networks()
    notes = fleet_notes(host, desired.subnet) if isinstance(desired, DesiredSubnet) else ()
    if host is None or observed is None:
        findings = _without_host(desired, reserved)
        return Check(**known, asked=True, findings=findings, notes=notes)
    try:
        plan = make_plan(observed, desired, reserved)
    except SpecInvalid:
        # A setting of ours on the host that was damaged by hand.
        text = _("What %(host)s reported of its present setting cannot be read: it is not checked.")
        return Check(**known, asked=True, notes=(text % {"host": host.name},))
    findings = tuple(f for f in plan.findings if f.code not in _SAID_BELOW)
    consequences: tuple[str, ...] = ()
    if not plan.blocked:
        consequences = consequences_of(plan, observed, _earlier(host, plan))
        notes += target_notes(desired, observed)
    moves = plan.containers if not plan.blocked else ()
    return Check(
        **known,
        asked=True,
        findings=findings,
        notes=notes,
        consequences=consequences,
        moves=tuple(moves),
        free=_next_free(desired, host, findings),
    )


def _next_free(desired: Desired, host: Host, findings: tuple[Finding, ...]) -> IPv4Network | None:
    """The next free network of the size that was asked for, where that one is in use."""
    blockers = [f.code for f in findings if f.severity == BLOCKER]
    if not isinstance(desired, DesiredSubnet):
        return None
    if not any(code.startswith("overlaps-") for code in blockers):
        return None
    return next_free(desired.subnet.prefixlen, taken(host))


def _without_host(desired: Desired, reserved: list[tuple[IPv4Network, str]]) -> tuple[Finding, ...]:
    """What can be said of a subnet wherever it is."""
    if not isinstance(desired, DesiredSubnet):
        return ()
    case = SubnetCase(_NOTHING_SEEN, desired, tuple(reserved))
    return (*overlaps.reserved(case), *fit.public_range(case))


def _docker0(observed: Observed) -> str:
    interfaces = observed.addresses_of(default_bridge(observed))
    return ", ".join(str(interface) for interface in interfaces)


def _busy(host: Host) -> dict[str, Any]:
    """Why a request would be turned away now, and the change that holds the host."""
    try:
        require_online(host)
    except Refused as refusal:
        return {"busy": refusal.message}
    holder = holder_of(host=host)
    return {"busy": held_text(holder, host), "busy_pk": holder.pk} if holder else {}


def _earlier(host: Host, plan: Plan) -> tuple[int, float]:
    """How often a change of this kind ran on the host, and for how long services were away."""
    measured = outages_of(host=host, kind=plan.kind)
    return (len(measured), median(measured)) if measured else (0, 0.0)
