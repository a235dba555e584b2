"""The host as it is before a job touches it, whole: the first thing in a job's journal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from attrs import field, frozen

from netops.engine.errors import OperationFailed
from netops.engine.file_copy import file_saved
from netops.engine.nat_setting import NatState
from netops.engine.observed import Address
from netops.engine.plan import Plan
from netops.engine.ports import HostPorts
from netops.engine.serial import Json

FILES = ("/etc/docker/daemon.json", "/etc/default/docker")

T = TypeVar("T")


@frozen
class ContainerState:
    """A container: `state` as Docker says it (running, paused, exited ...), `may_end` where it may
    end by itself, so that its end later is no loss."""

    id: str
    name: str
    state: str
    may_end: bool


@frozen
class HostSnapshot:
    """`files` are {path: {"base64", "mode"} or null where there is none}; `rules` is the family's
    whole save; `nat` our own settings, None where they could not be read; `missing` says what could
    not be taken, and why."""

    files: dict[str, Json]
    addresses: tuple[Address, ...] = ()
    containers: tuple[ContainerState, ...] = ()
    nat: NatState | None = None
    rules: str = ""
    ip_forward: bool = False
    missing: tuple[str, ...] = field(factory=tuple)


def snapshot_take(ports: HostPorts, plan: Plan) -> HostSnapshot:
    """Return the host as it is; changes nothing.

    What a broken host cannot tell (a firewall that cannot be read) is named in `missing`: the steps
    refuse by themselves to go on without what they need. A configuration file that is there and
    cannot be read raises OperationFailed: without it there is no way back.
    """
    missing: list[str] = []

    def part(read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except OperationFailed as error:
            missing.append(error.message)
            return otherwise

    return HostSnapshot(
        files={path: file_saved(ports, path) for path in _paths(plan)},
        addresses=part(ports.netlink.addresses, ()),
        containers=part(lambda: _containers(ports), ()),
        nat=part(lambda: ports.nat.read(), None),
        rules=part(ports.firewall.saved, ""),
        ip_forward=part(ports.forwarding.enabled, False),
        missing=tuple(missing),
    )


def _paths(plan: Plan) -> list[str]:
    """dockerd's own files and each that a step of the plan writes."""
    found = set(FILES)
    for step in plan.steps:
        edit, path = step.params.get("edit"), step.params.get("file")
        if isinstance(edit, dict):
            found.add(str(edit["path"]))
        if isinstance(path, str):
            found.add(path)
    return sorted(found)


def _containers(ports: HostPorts) -> tuple[ContainerState, ...]:
    return tuple(
        ContainerState(
            id=c.id,
            name=c.name,
            state=c.state,
            may_end=c.auto_remove or c.looping or c.restart_policy in ("no", "on-failure"),
        )
        for c in sorted(ports.docker.containers(), key=lambda c: c.name)
    )
