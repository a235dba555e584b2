"""Makes what ran run again after Docker was stopped, and nothing else.

dockerd starts containers by their restart policy alone: it leaves out those without one, and
starts with "always" also what somebody had stopped. Here each that ran is started, as its manager
would (units first, then in the order of compose's depends_on), and what was stopped is stopped
again. One that cannot be started keeps nobody else down.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from attrs import define, field, frozen

from netops.engine.before import RanBefore
from netops.engine.context import FIRST_POLL_S, LONGEST_POLL_S, Context, Tries
from netops.engine.depends import ready_to_start
from netops.engine.errors import CheckFailed
from netops.engine.identity import made_by_scheduler, same_containers
from netops.engine.observed import Container
from netops.engine.ran_through import still_expected
from netops.engine.running import Running, returned_note, started_since
from netops.engine.stopping import all_at_once

# A refusal of Docker's may pass (a port that is still bound, a volume that is mounted late); a
# program that ends again may wait for another one, and gets the job's whole time.
REFUSED_S, GONE_S, UNITS_S = 10.0, 5.0, 30.0
# A program that misses its database ends within a few seconds of its start, and after the proof.
STEADY_S = 4.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0


@frozen
class NotRunning:
    """A container (or a unit) that ran and could not be made to run: why, and the command that
    starts it. `gone`: somebody has removed it."""

    name: str
    why: str
    command: str
    gone: bool = False

    def __str__(self) -> str:
        return f"{self.why} Run: `{self.command}`."


def restart_limit_s(running: Running) -> float:
    """Return how long containers get to run again, in seconds, before one counts as lost."""
    return 30.0 + 2.0 * len(running.containers)


def restart_containers(
    ctx: Context, running: Running, timeout_s: float | None = None
) -> list[NotRunning]:
    """Make what ran at the look `running` run again; return what could not be.

    Never raises for a single container. Raises OperationFailed when Docker itself does not answer.
    """
    limit_s = restart_limit_s(running) if timeout_s is None else timeout_s
    # Docker may have been stopped since: what it stopped may have ended with 0 as well.
    ctx.seen_running.clear()
    found = _Restart(ctx, running, limit_s).run()
    returned_note(ctx, [one.name for one in found if one.name in running.units])
    return found


def unit_down(name: str) -> NotRunning:
    """Return what is to be said of a unit that ran and does not."""
    command = f"systemctl start {shlex.quote(name)}"
    return NotRunning(name, f"The unit {name} does not run.", command)


def units_lost(ctx: Context, names: Sequence[str]) -> list[str]:
    """Return the units of `names` that do not run, in sentences."""
    return [unit_down(name).why for name in ctx.ports.service.units_down(names)] if names else []


@define
class _Restart:
    ctx: Context
    running: Running
    limit_s: float
    begun: float = 0.0
    started: list[str] = field(factory=list)
    given_up: dict[str, NotRunning] = field(factory=dict)

    def run(self) -> list[NotRunning]:
        self.begun = self.ctx.clock.monotonic()
        units = self._units()
        pause = FIRST_POLL_S
        while True:
            now = self.ctx.ports.docker.containers()
            self._stop_again(now)
            self.running = started_since(self.ctx, self.running, now)
            expected = self.running.containers
            same = same_containers(expected, now)
            self.ctx.seen_running |= {c.id for c in now if c.running}
            self._nudge_looping(expected, same)
            missing = [
                ran
                for ran in still_expected(self.ctx, expected, same)
                if ran.must_run and ran.id not in self.given_up and not _runs(same.get(ran.id))
            ]
            missing = [ran for ran in missing if not self._gives_up(ran, same.get(ran.id))]
            if not missing:
                break
            if all(ran.id not in same for ran in missing):
                self.ctx.outage_ends()  # What is there runs; the rest may come by its manager.
            if not self._start(missing, same, now):
                self.ctx.clock.sleep(pause)
                pause = min(pause * 1.5, LONGEST_POLL_S)
        self._pause_again(expected, same)
        if self.started:
            self.ctx.output(f"Started: {', '.join(self.started)}.")
        return [*units, *self.given_up.values()]

    def _elapsed_s(self) -> float:
        return self.ctx.clock.monotonic() - self.begun

    def _units(self) -> list[NotRunning]:
        """Start the units that went down with Docker: they make and start their own containers."""
        service, names = self.ctx.ports.service, self.running.units
        if not names or not service.units_down(names):
            return []
        service.units_start(names)
        try:
            self.ctx.wait(lambda: service.units_down(names), UNITS_S)
        except CheckFailed:
            return [unit_down(name) for name in service.units_down(names)]
        self.ctx.output(f"Units that stop with Docker run again: {', '.join(names)}.")
        return []

    def _stop_again(self, now: Sequence[Container]) -> None:
        """Stop what dockerd has started though it was stopped before: it may hold a port that one
        that ran wants back."""
        # One without a restart policy was started by somebody, never by dockerd.
        again = [
            c
            for c in now
            if c.running and c.id in self.running.stopped and c.restart_policy != "no"
        ]
        if again:
            all_at_once(self.ctx.ports.docker.stop, [c.id for c in again])
            names = ", ".join(c.name for c in again)
            self.ctx.output(f"Stopped again, as before: {names}.")

    def _nudge_looping(self, expected: Sequence[RanBefore], same: Mapping[str, Container]) -> None:
        """Start one that was in a loop of restarts once: where it was stopped through Docker its
        policy does not bring it back. Its state proves nothing."""
        for ran in expected:
            container = same.get(ran.id)
            if not ran.restarting or container is None or ran.id in self.ctx.tries:
                continue
            if container.state == "exited":
                self.ctx.tries[ran.id] = Tries()
                all_at_once(self.ctx.ports.docker.start, [container.id])

    def _gives_up(self, ran: RanBefore, container: Container | None) -> bool:
        elapsed_s, tries = self._elapsed_s(), self.ctx.tries.get(ran.id, Tries())
        if container is None:
            if elapsed_s < (UNITS_S if self.running.units else GONE_S):
                return False
            command = f"docker ps -a --filter name={ran.name}"
            self.given_up[ran.id] = NotRunning(ran.name, f"{ran.name} is gone.", command, gone=True)
            return True
        late = elapsed_s >= self.limit_s
        since = tries.refused_at
        refused = since is not None and self.ctx.clock.monotonic() - since >= REFUSED_S
        if not late and not refused:
            return False
        why = tries.error or f"It is {container.state} again."
        self.given_up[ran.id] = NotRunning(
            ran.name, f"{ran.name} could not be started: {why}", f"docker start {ran.name}"
        )
        return True

    def _start(
        self,
        missing: Sequence[RanBefore],
        same: Mapping[str, Container],
        now: Sequence[Container],
    ) -> bool:
        """Start those whose turn it is; return True if all of them came to run."""
        clock = self.ctx.clock.monotonic()
        # One whose dependency never comes is tried all the same before the time is up.
        patient = self._elapsed_s() < self.limit_s / 2
        due: dict[str, RanBefore] = {}
        for ran in missing:
            container = same.get(ran.id)
            if container is None or made_by_scheduler(ran.labels):
                continue
            if clock < self.ctx.tries.setdefault(ran.id, Tries()).next_at:
                continue
            if ready_to_start(ran, missing, now, patient=patient):
                due[container.id] = ran
        failed = all_at_once(self.ctx.ports.docker.start, list(due))
        self.ctx.seen_running |= due.keys() - failed.keys()
        for container_id, ran in due.items():
            self._tried(ran, failed.get(container_id, ""))
        return bool(due) and not failed and len(due) == len(missing)

    def _tried(self, ran: RanBefore, error: str) -> None:
        tries, clock = self.ctx.tries[ran.id], self.ctx.clock.monotonic()
        tries.next_at = clock + min(FIRST_PAUSE_S * 2**tries.count, LONGEST_PAUSE_S)
        tries.count += 1
        tries.error = error
        if not error:
            tries.refused_at = None
            if ran.name not in self.started:
                self.started.append(ran.name)
        elif tries.refused_at is None:
            tries.refused_at = clock

    def _pause_again(self, expected: Sequence[RanBefore], same: Mapping[str, Container]) -> None:
        ids = {
            same[ran.id].id: ran.name
            for ran in expected
            if ran.paused and ran.id in same and same[ran.id].state == "running"
        }
        for container_id, error in all_at_once(self.ctx.ports.docker.pause, list(ids)).items():
            name = ids[container_id]
            why = f"{name} was paused and is not: {error}"
            self.given_up[container_id] = NotRunning(name, why, f"docker pause {name}")


def _runs(container: Container | None) -> bool:
    return container is not None and container.running
