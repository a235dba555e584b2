"""The way back, the same for a step that failed, a job that was cut short and a missing confirm:
undo, prove, and say what is left if it cannot be proved.

In this order: the old state; where others have taken what it needs, the new one, whole and proved;
else whatever lets Docker and every container run.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from netops.engine.before import KIND as REMEMBER
from netops.engine.before import before_of
from netops.engine.context import Clock, Context, Saved
from netops.engine.errors import CheckFailed, DockernetError, OldStateLost
from netops.engine.hold import range_release
from netops.engine.identity import same_containers
from netops.engine.journal import (
    BEGUN,
    FAILED,
    ROLLED_BACK,
    SUCCEEDED,
    ContainerResult,
    Journal,
    Outcome,
)
from netops.engine.left import Left, left_over, not_running
from netops.engine.meanwhile import changed_by_others
from netops.engine.nat_keep import nat_keep
from netops.engine.observed import Controller
from netops.engine.plan import Plan
from netops.engine.ports import Emit, HostPorts
from netops.engine.restart import STEADY_S, restart_containers
from netops.engine.rollback import roll_back
from netops.engine.running import RETURNED, running_known
from netops.engine.serial import Json
from netops.engine.snapshot import HostSnapshot
from netops.engine.stay import docker_must_run, docker_runs, reach_new
from netops.engine.steps import step_of

# After a boot Docker may still be starting containers.
PROOF_S, BOOTED_S = 5.0, 60.0


def context_new(
    ports: HostPorts, emit: Emit, controller: Controller, clock: Clock | None
) -> Context:
    """Return the surroundings of a job's steps."""
    ctx = Context(ports=ports, controller=controller, output=output_to(emit, None))
    if clock is not None:
        ctx.clock = clock
    return ctx


def output_to(emit: Emit, number: int | None) -> Callable[[str], None]:
    """Return what makes a text an output event of step `number`."""
    return lambda message: emit("output", message, step=number)


def outcome_note(journal: Journal, outcome: Outcome) -> None:
    """A disk that takes nothing does not change how a job ended; `settle` would find the same."""
    with suppress(OSError):
        journal.finish(outcome)


def go_back(ctx: Context, plan: Plan, journal: Journal, emit: Emit, why: str) -> Outcome:
    """Undo what was begun and prove that the host is as it was; return the outcome.

    `why` is a sentence. It is rolled_back only if every layer is as the journal's snapshot has it.
    Where the old state is out of reach and the new one is proved it is succeeded; else it is
    failed, with the commands that are left for a person.
    """
    quiet = never_raises(emit)
    journal.turn_back(why)
    ctx.note = _kept_if_possible(journal)
    ctx.back_at = None
    try:
        look_back(ctx, plan, journal)
        problems = roll_back(ctx, plan, journal, quiet)
    except OldStateLost as error:
        outcome = _stay(ctx, plan, quiet, why, error)
    else:
        outcome = _went_back(ctx, plan, journal, quiet, why, problems)
    outcome_note(journal, outcome)
    return outcome


def look_back(ctx: Context, plan: Plan, journal: Journal) -> None:
    """Raise OldStateLost if a step that was begun cannot be undone any more. Touches nothing."""
    for entry in journal.entries():
        if entry.phase == BEGUN:
            try:
                step_of(plan.steps[entry.step - 1]).look_back(ctx, entry.saved)
            except OldStateLost:
                raise
            except (DockernetError, OSError):
                continue  # A host that cannot be asked now; its undo tells what is wrong.


def _kept_if_possible(journal: Journal) -> Callable[[str, Saved], None]:
    """Return a note that a full disk does not stop: a later process looks again."""

    def note(kind: str, saved: Saved) -> None:
        with suppress(OSError):
            journal.note(kind, saved)

    return note


def _went_back(
    ctx: Context, plan: Plan, journal: Journal, emit: Emit, why: str, problems: list[str]
) -> Outcome:
    if problems and not docker_runs(ctx):
        docker_must_run(ctx)
    if ctx.begun("hold_range"):
        with suppress(DockernetError):
            range_release(ctx.ports)
    left = _left(ctx, journal, wait=not problems) if journal.entries() else []
    if problems or left:
        return _failed(
            ctx, plan, f"{why} The host could not be brought back whole.", problems, left
        )
    message = f"{why} The host is as it was."
    lost = ", ".join(_losses(ctx))
    if lost:
        message = f"{why} The host is as it was, but for what ran with --rm and is gone: {lost}."
    message = " ".join([message, *changed_by_others(ctx)])
    emit("rolled_back", message)
    return Outcome(ROLLED_BACK, message, ctx.outage_s, results(ctx, plan))


def _failed(ctx: Context, plan: Plan, why: str, problems: list[str], left: list[Left]) -> Outcome:
    texts = " ".join([*problems, *(str(one) for one in left)])
    told = f"{why} Left to do by hand: {texts}"
    commands = tuple(one.command for one in left)
    return Outcome(FAILED, told, ctx.outage_s, results(ctx, plan), commands)


def _stay(ctx: Context, plan: Plan, emit: Emit, why: str, lost: OldStateLost) -> Outcome:
    """End on the new state, since the old one is out of reach."""
    emit("output", f"There is no way back: {lost.message} The host goes on to the new state.")
    problems = reach_new(ctx, plan, emit)
    if not problems:
        message = f"{why} There was no way back: {lost.message} {_stayed(ctx)}"
        if lost.hint:
            message += f" To go back later, first run: {lost.hint}"
        left = (lost.hint,) if lost.hint else ()
        return Outcome(SUCCEEDED, message, ctx.outage_s, results(ctx, plan), left)
    docker_must_run(ctx)
    told = f"{why} There was no way back ({lost.message}), and the new state could not be proved."
    # Not how it differs from the old state: that is another network's by now.
    return _failed(ctx, plan, told, problems, not_running(ctx))


def _stayed(ctx: Context) -> str:
    if not ctx.unproved:
        return "The host stays on the new state, which is whole and proved."
    return (
        "The host stays on the new state, where Docker was not stopped again. What others changed "
        f"meanwhile makes a difference: {' '.join(ctx.unproved)}"
    )


def _left(ctx: Context, journal: Journal, *, wait: bool) -> list[Left]:
    """What is not as the snapshot says, looked at for a while if all seemed to be undone."""
    snapshot = journal.snapshot()
    before = snapshot.host if snapshot else None
    if before is None:
        return []
    found: list[Left] = []

    def texts() -> list[str]:
        with suppress(DockernetError, OSError):
            # After a boot nobody has put the rules back yet, and a Docker that starts comes first.
            nat_keep(ctx.ports)
        found[:] = _compared(ctx, before, journal)
        return [str(one) for one in found]

    with suppress(CheckFailed):
        ctx.wait(texts, (BOOTED_S if ctx.rebooted else PROOF_S) if wait else 0.0)
        if wait and ctx.stopped_at is not None and RETURNED in ctx.memory:
            _look_again(ctx, texts)
    return found


def _look_again(ctx: Context, differences: Callable[[], list[str]]) -> None:
    """Look once more some seconds after the start, and start what has ended since, once."""
    ctx.clock.sleep(STEADY_S)
    if not differences():
        return
    with suppress(DockernetError, OSError):
        restart_containers(ctx, running_known(ctx))
        ctx.clock.sleep(STEADY_S)
    differences()


def _compared(ctx: Context, before: HostSnapshot, journal: Journal) -> list[Left]:
    return left_over(ctx, before, journal.folder.parent.name, str(journal.before))


def _losses(ctx: Context) -> list[str]:
    """What no rollback can bring back: containers with --rm that were stopped."""
    if not ctx.begun(REMEMBER) or ctx.stopped_at is None:
        return []
    try:
        there = ctx.ports.docker.containers()
    except DockernetError:
        return []
    ran = [r for r in before_of(ctx).containers if r.auto_remove]
    same = same_containers(ran, there)
    return [r.name for r in ran if r.id not in same]


def results(ctx: Context, plan: Plan) -> tuple[ContainerResult, ...]:
    """Return the containers of the plan with the addresses that they really have."""
    try:
        now = {c.name: c.endpoint("bridge") for c in ctx.ports.docker.containers()}
    except DockernetError:
        now = {}
    found = []
    for move in plan.containers:
        endpoint = now.get(move.name)
        found.append(ContainerResult(move.name, move.from_, endpoint.ipv4 if endpoint else None))
    return tuple(found)


def never_raises(emit: Emit) -> Emit:
    """Return an Emit whose failure (a full disk, a lost connection) does not stop a rollback."""

    def quiet(kind: str, message: str = "", *, step: int | None = None, **data: Json) -> None:
        with suppress(Exception):
            emit(kind, message, step=step, **data)

    return quiet
