"""The same container again, also when its manager has made it anew. Pure.

A unit with `docker rm -f` and `docker run --name`, compose, swarm and the kubelet give the new
container another id: its name or its manager's labels stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from netops.engine.before import RanBefore
from netops.engine.observed import Container

COMPOSE = (
    "com.docker.compose.project", "com.docker.compose.service",
    "com.docker.compose.container-number",
)  # fmt: skip
SWARM = ("com.docker.swarm.service.id",)
KUBELET = (
    "io.kubernetes.pod.namespace", "io.kubernetes.pod.name", "io.kubernetes.container.name",
)  # fmt: skip
MANAGERS = (COMPOSE, SWARM, KUBELET)

Key = tuple[str, ...]


def manager_key(labels: Mapping[str, str]) -> Key:
    """Return what a container's manager calls it, () for one that has no manager."""
    if labels.get("com.docker.compose.oneoff") == "True":
        return ()  # `docker compose run` has the labels of its service, and does another thing.
    for names in MANAGERS:
        if all(name in labels for name in names):
            return tuple(labels[name] for name in names)
    return ()


def made_by_scheduler(labels: Mapping[str, str]) -> bool:
    """Return whether swarm or the kubelet made it: they never start a container again, but make
    another in its place, so that nobody else may start the old one."""
    return any(all(name in labels for name in names) for names in (SWARM, KUBELET))


def same_containers(
    expected: Iterable[RanBefore], now: Iterable[Container]
) -> dict[str, Container]:
    """Return {id of one that ran: the same container now}; one that is gone has no entry.

    By id; else by name; else by the manager's labels, a running one before others. No container
    stands for two.
    """
    left = list(expected)
    free = {c.id: c for c in now}
    found: dict[str, Container] = {}

    def take(fits: Callable[[RanBefore, Container], bool]) -> None:
        for ran in [r for r in left if r.id not in found]:
            candidates = [c for c in free.values() if fits(ran, c)]
            if candidates:
                chosen = max(candidates, key=lambda c: c.running)
                found[ran.id] = free.pop(chosen.id)

    take(lambda ran, c: c.id == ran.id and not _replaced_task(ran, c, free))
    take(lambda ran, c: c.name == ran.name and not _replaced_task(ran, c, free))
    take(lambda ran, c: bool(manager_key(ran.labels)) and _key(c) == manager_key(ran.labels))
    return found


def _replaced_task(ran: RanBefore, container: Container, free: Mapping[str, Container]) -> bool:
    """Return whether a scheduler has put another, running container in the place of this one."""
    if container.running or not made_by_scheduler(ran.labels):
        return False
    key = manager_key(ran.labels)
    return any(c.running and _key(c) == key for c in free.values())


def _key(container: Container) -> Key:
    return manager_key(container.labels)
