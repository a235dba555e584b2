"""The containers and units that run, read again right before every stop of Docker.

The first look of a job is minutes old when its way back begins: by then people have started,
stopped, replaced and removed containers, and what they did is theirs and stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from attrs import evolve, frozen

from netops.engine.before import KIND as REMEMBER
from netops.engine.before import RanBefore, before_of, ran_of
from netops.engine.context import DOCKER_UP, Context, Saved
from netops.engine.errors import OperationFailed
from netops.engine.identity import same_containers
from netops.engine.observed import Container
from netops.engine.serial import from_json, to_json

NOTE, RETURNED, STOPPED_BY_US = "running", "returned", "stopped_by_us"
_ENDS = {NOTE: (RETURNED, DOCKER_UP), RETURNED: (STOPPED_BY_US,)}
LOOKED_AFRESH, BOOTED = "looked_afresh", "looked_after_boot"


@frozen
class Running:
    """What runs on a host, and shall run again after Docker was stopped.

    `at` is the time of the look (ISO 8601, UTC), `stopped` the ids of the containers that did not
    run and shall not, `units` the active systemd units that stop with Docker. `left_out` are ids of
    containers that ran and cannot run in the new state, as the requester has accepted.
    """

    at: str
    containers: tuple[RanBefore, ...]
    stopped: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def without(self, names: Iterable[str]) -> list[RanBefore]:
        """Return the containers that must run, but those of these names."""
        left_out = set(names)
        return [r for r in self.containers if r.must_run and r.name not in left_out]


def memory_of(notes: Iterable[tuple[str, Saved]]) -> dict[str, Saved]:
    """Return what a job's notes say, the last of each kind; a new look ends what was returned."""
    memory: dict[str, Saved] = {}
    for kind, saved in notes:
        for ended in _ENDS.get(kind, ()):
            memory.pop(ended, None)
        memory[kind] = saved
    return memory


def running_known(ctx: Context) -> Running:
    """Return the last look of this job, in whatever process it was taken."""
    if NOTE in ctx.memory:
        return from_json(Running, ctx.memory[NOTE])
    if not ctx.begun(REMEMBER):
        return Running(at="", containers=())
    return Running(at="", containers=before_of(ctx).containers)


def running_note(ctx: Context) -> Running:
    """Look at the host, and keep what is seen in the journal; return it.

    While Docker does not answer, the last look holds. Raises OSError when the journal cannot be
    written.
    """
    known = running_known(ctx)
    if not ctx.ports.docker.daemon().running:
        return known
    try:
        seen = _look(ctx, known)
    except OperationFailed:
        return known  # dockerd went away while it was asked.
    ctx.keep(NOTE, to_json(seen))
    for ended in _ENDS[NOTE]:
        ctx.memory.pop(ended, None)
    if ctx.rebooted:
        ctx.keep(BOOTED, {"boot_id": ctx.boot_id})
    ctx.tries.clear()
    if ctx.reopened:
        ctx.keep(LOOKED_AFRESH, {})
    return seen


def long_ended(ctx: Context) -> bool:
    """Return whether the last look is that of a job that had ended, and says nothing of today."""
    return ctx.reopened and LOOKED_AFRESH not in ctx.memory


def returned_note(ctx: Context, units_down: Sequence[str] = ()) -> None:
    """Keep in the journal that all that could be started runs again: from now on a container that
    does not run was stopped by others, or has ended. `units_down` could not be started."""
    at = datetime.now(UTC).isoformat()
    ctx.keep(RETURNED, {"at": at, "units_down": [*units_down]})
    ctx.memory.pop(STOPPED_BY_US, None)


def _look(ctx: Context, known: Running) -> Running:
    now = ctx.ports.docker.containers()
    revived = _revived_by_boot(ctx, known, now)
    runs = [
        _with_proof(ran_of(c), known.containers) for c in now if c.running and c.id not in revived
    ]
    ids = {ran.id for ran in runs}
    runs += [ran for ran in _still_due(ctx, known, now) if ran.id not in ids]
    ids = {ran.id for ran in runs}
    return Running(
        at=datetime.now(UTC).isoformat(),
        containers=tuple(sorted(runs, key=lambda ran: ran.name)),
        stopped=tuple(sorted({c.id for c in now if not c.running and c.id not in ids} | revived)),
        units=tuple(sorted({*_units_due(ctx, known), *ctx.ports.service.dependents()})),
    )


def _revived_by_boot(ctx: Context, known: Running, now: Iterable[Container]) -> set[str]:
    """Return the ids of containers that dockerd started at boot though they had been stopped.

    Those of policy "always". One that somebody started after the last look ran when the power went,
    so that dockerd dates the end of that run to the boot.
    """
    seen = ctx.memory.get(BOOTED, {}).get("boot_id")
    if not ctx.rebooted or seen == ctx.boot_id or long_ended(ctx):
        return set()
    returned = str(ctx.memory.get(RETURNED, {}).get("at", ""))
    return {
        c.id
        for c in now
        if c.running
        and c.id in known.stopped
        and not (returned and _later(c.finished_at, returned))
    }


def _units_due(ctx: Context, known: Running) -> tuple[str, ...]:
    """Return the units that are down because Docker is, not because somebody stopped them."""
    if long_ended(ctx):
        return ()
    if RETURNED not in ctx.memory or ctx.rebooted:
        return known.units  # A boot may not have come to them yet, when the way back stops Docker.
    down = ctx.memory[RETURNED].get("units_down")
    failed = ctx.ports.service.units_failed(known.units) if known.units else ()
    return (*failed, *(str(name) for name in (down if isinstance(down, list) else ())))


def _still_due(ctx: Context, known: Running, now: Iterable[Container]) -> list[RanBefore]:
    """Return those that ran at the last look, do not run now, and shall run all the same.

    In the middle of a job they are down because Docker was stopped. Later they count unless
    somebody stopped them, or they ended by themselves with 0; long after a job has ended none does.
    """
    stopped = ctx.begun("docker_stop") or ctx.begun("stop_containers") or ctx.rebooted
    if long_ended(ctx) or not (stopped or NOTE in ctx.memory):
        return []  # Docker was not stopped yet: what does not run has ended or was stopped.
    due = []
    same = same_containers(known.containers, now)
    for ran in known.containers:
        container = same.get(ran.id)
        if container is None or container.running:
            continue
        if _stopped_by_others(ctx, container) or _has_ended(ctx, ran, container):
            continue
        due.append(evolve(ran, id=container.id))
    return due


def _stopped_by_others(ctx: Context, container: Container) -> bool:
    ours = STOPPED_BY_US in ctx.memory and RETURNED not in ctx.memory
    return bool(container.manually_stopped) and not ours


def _has_ended(ctx: Context, ran: RanBefore, container: Container) -> bool:
    """Return whether it ran again after Docker's last start and then ended by itself with 0."""
    if container.id in ctx.ran_through or ran.id in ctx.ran_through:
        return True
    may_end = ran.restart_policy in ("no", "on-failure")
    ran_again = RETURNED in ctx.memory and not ctx.rebooted
    return ran_again and may_end and container.state == "exited" and container.exit_code == 0


def _with_proof(ran: RanBefore, known: Iterable[RanBefore]) -> RanBefore:
    """Return it with what the first look has proved of the same container."""
    for old in known:
        if old.id == ran.id:
            return evolve(ran, reaches=old.reaches, answered=old.answered, ports=old.ports)
    return ran


def started_since(ctx: Context, running: Running, now: Iterable[Container]) -> Running:
    """Return `running` with what `started_after` finds, noted in the journal."""
    more = started_after(running, now, str(ctx.memory.get(DOCKER_UP, {}).get("at", "")))
    if not more:
        return running
    # The way back wants what the change leaves out, so that the whole look is kept.
    known = running_known(ctx)
    ctx.keep(NOTE, to_json(evolve(known, containers=(*known.containers, *more))))
    return evolve(running, containers=(*running.containers, *more))


def started_after(running: Running, now: Iterable[Container], up_at: str = "") -> list[RanBefore]:
    """Return the containers that started between the look and the stop of Docker.

    They have ended since the look, and nobody stopped them: dockerd did. Not those that have ended
    after Docker was up again, at `up_at` ("": not known).
    """
    known = {*running.left_out, *(ran.id for ran in running.containers)}
    # dockerd starts these by itself, whoever stopped them, and clears the mark of it.
    known |= {c.id for c in now if c.restart_policy == "always" and c.id in running.stopped}
    return [
        ran_of(c)
        for c in now
        if c.id not in known
        and c.state == "exited"
        and c.manually_stopped is False
        and _later(c.finished_at, running.at)
        and not (up_at and _later(c.finished_at, up_at))
    ]


def _later(one: str, other: str) -> bool:
    try:
        return datetime.fromisoformat(one) >= datetime.fromisoformat(other)
    except (ValueError, TypeError):
        return False
