"""The order in which containers can be started: joined namespaces, compose's depends_on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from netops.engine.before import RanBefore
from netops.engine.observed import Container

DEPENDS = "com.docker.compose.depends_on"
PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"


def ready_to_start(
    ran: RanBefore, missing: Sequence[RanBefore], now: Iterable[Container], *, patient: bool
) -> bool:
    """Return whether what it needs runs.

    That is the container whose network it shares, always; and, while `patient`, the services that
    it depends on, as far as they ran before or run now, healthy where compose asks for it.
    """
    there = list(now)
    mode, _, target = ran.network_mode.partition(":")
    if mode == "container" and target:
        owner = next((c for c in there if target in (c.id, c.name)), None)
        if owner is not None and not owner.running:
            return False
    if not patient:
        return True
    return all(
        not _missing(service, ran, missing) and _healthy(service, ran, there, condition)
        for service, condition in _dependencies(ran)
    )


def _dependencies(ran: RanBefore) -> Iterator[tuple[str, str]]:
    """Yield (service, condition) of the label, which reads `db:service_healthy:false,...`."""
    for item in ran.labels.get(DEPENDS, "").split(","):
        service, _, rest = item.partition(":")
        if service:
            yield service, rest.partition(":")[0]


def _missing(service: str, ran: RanBefore, missing: Sequence[RanBefore]) -> bool:
    project = ran.labels.get(PROJECT)
    return any(
        other.labels.get(PROJECT) == project and other.labels.get(SERVICE) == service
        for other in missing
    )


def _healthy(service: str, ran: RanBefore, now: Sequence[Container], condition: str) -> bool:
    if condition != "service_healthy":
        return True
    project = ran.labels.get(PROJECT)
    found = [
        c for c in now if c.labels.get(PROJECT) == project and c.labels.get(SERVICE) == service
    ]
    return all(c.health in ("", "healthy") or not c.running for c in found)
