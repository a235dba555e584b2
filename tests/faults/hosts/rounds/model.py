"""Model of a host during a round: the acts write here what they make true, the judge reads it."""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv4Network
from typing import Any

import attrs

RUNS, PAUSED, DOWN = "runs", "paused", "down"
ANY = frozenset({RUNS, PAUSED, DOWN})
# Reasons of DOWN: a person stopped it, its process died, Docker was restarted.
HAND, CRASH, DOCKER = "hand", "crash", "docker"
CONFIRM, CANCEL, TIMEOUT, POWER, REVERT = "confirm", "cancel", "time-out", "power loss", "revert"
ENDINGS = (CONFIRM, CANCEL, TIMEOUT, POWER, REVERT)
BRIDGE = "bridge"
# Docker starts these when it starts, although a person stopped them: `on-failure` goes by the exit
# code alone, which after `docker stop` is 143.
REVIVED = ("always", "on-failure")


@attrs.define
class Container:
    """One container as the acts have left it.

    Args:
        state: RUNS, PAUSED or DOWN; `why` is the reason of DOWN.
        before: its state before the change, "" for one that was made in the window.
        namesake: the state before the change of the container of that name which it replaces.
        also: states that are right as well, because Docker, restarted by others, chose its state.
        touched: whether somebody has started it in the window.
    """

    name: str
    policy: str = "no"
    port: int | None = None
    network: str = BRIDGE
    state: str = RUNS
    why: str = ""
    before: str = ""
    namesake: str = ""
    also: frozenset[str] = frozenset()
    touched: bool = False

    def stopped(self, why: str) -> None:
        """Note that it is down, and why."""
        self.state, self.why = DOWN, why

    def started(self) -> None:
        """Note that it runs."""
        self.state, self.why, self.touched = RUNS, "", True

    def docker_restarted(self) -> None:
        """Note the effect of a restart of Docker by others: each policy has its own."""
        if self.state == DOWN:
            if self.policy in REVIVED and self.why == HAND:
                # Docker starts what a person had stopped: nobody can say which of both is right.
                self.started()
                self.also |= {DOWN}
        elif self.policy == "no":
            self.stopped(DOCKER)
        elif self.state == PAUSED:
            self.started()
            self.also |= {PAUSED}

    def right(self, ending: str) -> frozenset[str]:
        """Return the states that are right at the end of a round."""
        if ending == CONFIRM:
            return self.also | {self.state}
        found, was = {self.state}, self.before or self.namesake
        if self.state == DOWN and self.why in (CRASH, DOCKER) and was in (RUNS, PAUSED):
            # It ran before the change and nobody stopped it: the way back may start it, also one
            # that others made anew under that name.
            found |= {RUNS, was}
        if ending == POWER:
            found |= self._after_power()
            if self.state == PAUSED and self.before == PAUSED:
                found = {PAUSED}
        return self.also | found

    def _after_power(self) -> set[str]:
        """The states that a loss of power makes right too: nobody noted the acts of others."""
        found: set[str] = {self.namesake} - {""}
        if self.state == DOWN:
            known = self.before == DOWN and not self.touched
            woken = self.policy in REVIVED and self.why == HAND and not known
            return found | ({RUNS} if woken else set())
        if self.before:
            found.add(self.before)
        elif self.policy == "no":
            found.add(DOWN)
        if self.state == PAUSED:
            found.add(RUNS)
        return found


@attrs.define
class Expected:
    """The host as it must be at the end.

    Args:
        init: sysv or systemd.
        old: docker0's interface before the change.
        new: docker0's interface that the change asks for.
        config: daemon.json without `bip`, as others have left it.
        bip: the value of `bip` before the change, "" without one.
        networks: the networks that others made, with their subnets.
        gone: names of containers that others removed.
        files: other files that others edited, with their texts.
    """

    init: str
    old: IPv4Interface
    new: IPv4Interface
    config: dict[str, Any] = attrs.field(factory=dict)
    bip: str = ""
    containers: dict[str, Container] = attrs.field(factory=dict)
    networks: dict[str, IPv4Network] = attrs.field(factory=dict)
    gone: set[str] = attrs.field(factory=set)
    files: dict[str, str] = attrs.field(factory=dict)
    config_edited: bool = False
    bip_removed: bool = False
    flushed: bool = False
    given: int = 0

    def next_number(self) -> int:
        """Return a number that no name, port or subnet of this round has had."""
        self.given += 1
        return self.given

    def settled(self, *states: str) -> list[Container]:
        """Return the containers in one of these states whose state the acts alone decide."""
        return [c for c in self.containers.values() if c.state in states and not c.also]

    def holders(self) -> list[str]:
        """Return the networks of others that keep Docker from the old subnet."""
        taken = self.old.network
        return [name for name, subnet in self.networks.items() if subnet.overlaps(taken)]

    def users(self, network: str) -> list[Container]:
        """Return the containers on a network, running or not."""
        return [c for c in self.containers.values() if c.network == network]

    def port_held(self, port: int | None) -> bool:
        """Return True if a running container publishes this port."""
        running = (c for c in self.containers.values() if c.state != DOWN or c.also)
        return port is not None and port in {c.port for c in running}

    def docker_restarted(self) -> None:
        """Note that others restarted Docker: its rules are there again, policies decide."""
        self._contended()
        for container in self.containers.values():
            container.docker_restarted()
        self.flushed = False

    def power_lost(self) -> None:
        """Note that Docker started at a boot, where the order of containers is chance."""
        self._contended()

    def required_ports(self, ending: str) -> dict[int, str]:
        """Return {port: name} of the containers that run for certain and publish a port."""
        found = {}
        for container in self.containers.values():
            if container.port is not None and container.right(ending) == {RUNS}:
                found[container.port] = container.name
        return found

    def _contended(self) -> None:
        """Free the state of containers that want one port when Docker starts all it may.

        One that a person stopped is started too if its policy is of REVIVED: the first one wins.
        """
        for first in self.containers.values():
            rivals = [
                c
                for c in self.containers.values()
                if c is not first and c.port is not None and c.port == first.port
            ]
            if rivals and first.state == DOWN and first.policy in REVIVED:
                for container in (first, *rivals):
                    container.also = ANY


def crowd() -> dict[str, Container]:
    """Return the containers that each round begins with."""
    found = (
        Container("web", "always", 8080, before=RUNS),
        Container("batch", before=RUNS),
        Container("frozen", state=PAUSED, before=PAUSED),
        Container("kept", "always", state=DOWN, why=HAND, before=DOWN),
    )
    return {c.name: c for c in found}
