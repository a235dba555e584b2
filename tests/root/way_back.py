"""A subnet change on a real host, acts of others at a time of their own, and each of its ends."""

from __future__ import annotations

from itertools import count
from typing import Any

import attrs

from lab.host import LabHost
from tests.root.in_host import containers, docker0, engine_run, recorded_subnet

FORWARD, CANCEL, POWER, REVERT = "forward", "cancel", "power", "revert"
ENDINGS = (FORWARD, CANCEL, POWER, REVERT)
OLD, NEW = "172.17.0.0/16", "192.168.225.0/24"
GATEWAY = {OLD: "172.17.0.1/16", NEW: "192.168.225.1/24"}
JOBS = count(1)


@attrs.define
class Way:
    """One job on a host: `amid` has (step, save or do, line of shell) of what others do in it."""

    host: LabHost
    amid: list[tuple[str, str, str]] = attrs.field(factory=list)
    accept: tuple[str, ...] = ()
    answer: dict[str, Any] = attrs.field(factory=dict)
    job: str = ""

    def asked(self, **more: Any) -> dict[str, Any]:
        """What the driver is told."""
        spec = {"network": "bridge", "subnet": NEW, "accept": list(self.accept)}
        site = str(self.host.segment.site_address)
        return {"spec": spec, "controller": [site], "job": self.job, **more}

    def plan(self) -> dict[str, Any]:
        """The plan as the host makes it now."""
        return engine_run(self.host, "plan", self.asked())

    def wait_for_confirm(self) -> None:
        """Carry the change out up to its confirm."""
        self.job = f"/var/lib/dockernet/jobs/{next(JOBS)}"
        self.answer = engine_run(self.host, "apply", self.asked(amid=self.amid, hold=True))

    def end(self, ending: str) -> dict[str, Any]:
        """End the job; return its outcome."""
        if ending in (FORWARD, REVERT):
            self.answer = engine_run(self.host, "confirm", self.asked())
        if ending == REVERT:
            return self.revert()
        if ending == CANCEL:
            self.answer = engine_run(self.host, "settle", self.asked(why="Somebody cancelled it."))
        if ending == POWER:
            self.host.run("sync")
            self.host.power_off()
            self.host.boot()
            self.host.wait_docker()
            self.settle()
        return self.outcome

    def settle(self) -> None:
        """Settle the job from its journal, as the agent does after a boot."""
        self.answer = engine_run(self.host, "settle", self.asked())

    def revert(self) -> dict[str, Any]:
        """Take the ended job back at the console."""
        self.answer = engine_run(self.host, "revert", self.asked())
        return self.outcome

    @property
    def outcome(self) -> dict[str, Any]:
        """How the job ended, {} where the way back was refused."""
        found: dict[str, Any] = self.answer.get("outcome", {})
        return found


def subnet_of(host: LabHost) -> str:
    """The subnet that docker0 and Docker's record agree on."""
    recorded = recorded_subnet(host)
    assert docker0(host) == [GATEWAY[recorded]]
    return recorded


def holds(host: LabHost) -> list[str]:
    """Networks that hold a range for a way back."""
    names = host.run(["docker", "network", "ls", "--format", "{{.Name}}"]).stdout.split()
    return [name for name in names if name.startswith("dockernet-")]


def running(host: LabHost) -> set[str]:
    """Names of the containers that run."""
    return {name for name, container in containers(host).items() if container["running"]}


def ended_whole(way: Way, ending: str) -> None:
    """The state that is said is the state that is, and nothing of ours is left."""
    expected = NEW if ending == FORWARD else OLD
    state = {NEW: "succeeded", OLD: "rolled_back"}[expected]
    assert way.outcome["state"] == state, way.outcome
    assert subnet_of(way.host) == expected
    assert holds(way.host) == []
