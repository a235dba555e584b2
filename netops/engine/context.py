"""What a step works with: the host's ports, what was remembered, a clock, a way to speak."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import define, field

from netops.engine.errors import CheckFailed, OperationFailed
from netops.engine.observed import Controller
from netops.engine.ports import HostPorts
from netops.engine.serial import Json

Saved = dict[str, Json]
# Kind of the note that says when dockerd answered after its last start ("at": ISO 8601, UTC).
DOCKER_UP = "docker_up"
FIRST_POLL_S, LONGEST_POLL_S = 0.02, 0.25


class Clock(Protocol):
    """Time in seconds; tests have their own."""

    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


@define
class Tries:
    """The starts of one container: how many, when the next is due, since when Docker refuses (times
    of the clock), and its last refusal."""

    count: int = 0
    next_at: float = 0.0
    refused_at: float | None = None
    error: str = ""


@define
class Context:
    """The surroundings of a job's steps, in this process.

    `memory` has what each begun step saved, by the step's kind; `rebooted` is True when the host
    has been booted since the job began; `boot_id` names this boot then. `stopped_at` and `back_at`
    are readings of the clock: the first thing that was stopped, and the last container that was
    back. `seen_running` are ids of containers that ran since Docker's last start, `ran_through`
    those that then ended with 0. `tries` are the starts of containers, by id, since Docker's last
    stop. `told_once` are messages that a look made again and again does not repeat, `unproved` what
    others have made different, so that it cannot be proved. `note` writes what `keep` is given into
    the journal; `reopened` is True when the job had ended and somebody takes it back.
    """

    ports: HostPorts
    controller: Controller
    output: Callable[[str], None]
    clock: Clock = field(factory=lambda: time)
    memory: dict[str, Saved] = field(factory=dict)
    note: Callable[[str, Saved], None] = lambda kind, saved: None
    boot_id: str = ""
    rebooted: bool = False
    reopened: bool = False
    stopped_at: float | None = None
    back_at: float | None = None
    seen_running: set[str] = field(factory=set)
    ran_through: set[str] = field(factory=set)
    tries: dict[str, Tries] = field(factory=dict)
    told_once: set[str] = field(factory=set)
    unproved: list[str] = field(factory=list)

    def begun(self, kind: str) -> bool:
        """True if a step of that kind was begun, in this process or an earlier one."""
        return kind in self.memory

    def keep(self, kind: str, saved: Saved) -> None:
        """Remember something under a kind of its own, in the journal too.

        Raises OSError when the disk does not take it.
        """
        self.memory[kind] = saved
        self.note(kind, saved)

    def output_once(self, message: str) -> None:
        """Say something that this process has not said yet."""
        if message not in self.told_once:
            self.told_once.add(message)
            self.output(message)

    def outage_begins(self) -> None:
        """Note that something people use is about to stop; the first call counts."""
        if self.stopped_at is None:
            self.stopped_at = self.clock.monotonic()
        self.back_at = None

    def outage_ends(self) -> None:
        """Note that all that ran runs again."""
        if self.back_at is None:
            self.back_at = self.clock.monotonic()

    @property
    def outage_s(self) -> float | None:
        """The outage so far in seconds, None if nothing was stopped."""
        if self.stopped_at is None:
            return None
        end = self.clock.monotonic() if self.back_at is None else self.back_at
        return round(end - self.stopped_at, 3)

    def wait(self, problems: Callable[[], Sequence[str]], timeout_s: float, hint: str = "") -> None:
        """Look again and again, in short intervals, until `problems` returns none.

        A look that fails with OperationFailed counts as a problem. Raises CheckFailed with the
        last problems when `timeout_s` seconds have passed.
        """
        end, pause = self.clock.monotonic() + timeout_s, FIRST_POLL_S
        while True:
            try:
                found = list(problems())
            except OperationFailed as error:
                found = [error.message]
            if not found:
                return
            if self.clock.monotonic() >= end:
                raise CheckFailed(" ".join(found), hint)
            self.clock.sleep(pause)
            pause = min(pause * 1.5, LONGEST_POLL_S)
