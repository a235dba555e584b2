"""What carrying out a plan would do, in sentences for whoever asks for it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from netops.engine import desired_nat, desired_subnet
from netops.engine.findings.subnet_case import BRIDGE_NETWORK
from netops.engine.observed import Container, Observed
from netops.engine.plan import Plan
from netops.engine.sizing import room_for_containers


def consequences_of(plan: Plan, observed: Observed, earlier: tuple[int, float]) -> tuple[str, ...]:
    """Return what the plan would do on the host; `earlier` is how many runs of this kind the host
    has had, and the median of their outages in seconds."""
    if plan.kind == desired_subnet.KIND:
        return (*_subnet(plan, observed), *_outage(plan, earlier))
    if plan.kind == desired_nat.KIND:
        return (*_nat(plan), *_outage(plan, earlier))
    return ()


def _subnet(plan: Plan, observed: Observed) -> Iterator[str]:
    running = [c for c in observed.containers if c.running]
    yield _restart(running)
    moved = sum(1 for c in plan.containers if c.to is not None)
    if moved:
        yield ngettext(
            "%(n)d container on docker0 gets a new address.",
            "%(n)d containers on docker0 get new addresses.",
            moved,
        ) % {"n": moved}
    desired = desired_subnet.parse(plan.spec).subnet
    room = room_for_containers(desired.prefixlen)
    yield ngettext(
        "%(subnet)s has room for %(room)d containers; %(n)d is on docker0 now.",
        "%(subnet)s has room for %(room)d containers; %(n)d are on docker0 now.",
        len(plan.containers),
    ) % {"subnet": desired, "room": room, "n": len(plan.containers)}
    network = observed.network(BRIDGE_NETWORK)
    old = network.subnets[:1] if network else ()
    # What is bound to an address that goes away does not come back; the findings say so.
    yield from _containers([c for c in running if not _bound(c, old)])


def _bound(container: Container, old: tuple[IPv4Network, ...]) -> bool:
    return any(p.host_ip is not None and p.host_ip in n for p in container.publishes for n in old)


def _restart(running: list[Container]) -> str:
    if not running:
        return _("Docker restarts. No container runs, so none is disturbed.")
    return ngettext(
        "Docker restarts, and %(n)d running container with it.",
        "Docker restarts, and all %(n)d running containers with it, of every network.",
        len(running),
    ) % {"n": len(running)}


def _containers(running: list[Container]) -> Iterator[str]:
    kept = [c for c in running if not c.auto_remove]
    unmanaged = [c.name for c in kept if c.restart_policy in ("", "no")]
    if unmanaged:
        yield ngettext(
            "%(names)s has no restart policy; Dockernet starts it again.",
            "%(n)d have no restart policy (%(names)s); Dockernet starts them again.",
            len(unmanaged),
        ) % {"n": len(unmanaged), "names": _named(unmanaged)}
    ports = sum(len(c.publishes) for c in kept)
    if ports:
        yield ngettext(
            "%(n)d published port is published again as it was; connections through it break "
            "during the restart.",
            "%(n)d published ports are published again as they were; connections through them "
            "break during the restart.",
            ports,
        ) % {"n": ports}


def _named(names: list[str], limit: int = 5) -> str:
    shown = ", ".join(names[:limit])
    return f"{shown}, …" if len(names) > limit else shown


def _nat(plan: Plan) -> Iterator[str]:
    yield _("Docker keeps running, and so do the containers.")
    yield ngettext(
        "%(n)d step changes and proves rules of Dockernet's own; Docker's rules are left alone.",
        "%(n)d steps change and prove rules of Dockernet's own; Docker's rules are left alone.",
        len(plan.steps),
    ) % {"n": len(plan.steps)}


def _outage(plan: Plan, earlier: tuple[int, float]) -> Iterator[str]:
    if not plan.expected_outage_s:
        yield _("No outage is expected.")
        return
    yield _("Services are expected to be away for about %(seconds)s s.") % {
        "seconds": plan.expected_outage_s
    }
    runs, typical = earlier
    if runs:
        yield ngettext(
            "The last change of this kind on this host took them away for %(seconds).1f s.",
            "The last %(n)d changes of this kind on this host took them away for %(seconds).1f s "
            "(the median).",
            runs,
        ) % {"n": runs, "seconds": typical}
