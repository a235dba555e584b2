"""Carries a plan out on this host, step by step, and goes back if any of it fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from netops.engine.before import KIND as REMEMBER
from netops.engine.before import before_of
from netops.engine.context import Clock, Context
from netops.engine.errors import DockernetError, OperationFailed, Refused
from netops.engine.journal import (
    FAILED,
    ROLLED_BACK,
    SUCCEEDED,
    UNDONE,
    ContainerResult,
    Entry,
    Journal,
    Outcome,
    Snapshot,
)
from netops.engine.observed import Controller
from netops.engine.plan import Plan, StepSpec, digest_of
from netops.engine.ports import Emit, HostPorts
from netops.engine.rollback import roll_back, said
from netops.engine.serial import Json
from netops.engine.steps import step_of

__all__ = ["Outcome", "apply", "settle"]

OUTAGE_STEPS = ("stop_containers", "docker_stop")


def apply(
    plan: Plan,
    ports: HostPorts,
    emit: Emit,
    journal: Journal,
    controller: Controller,
    clock: Clock | None = None,
) -> Outcome:
    """Carry out `plan` and return how it ended; never raises for what the host does.

    The caller has made sure that the host is still what the plan was made from
    (planner.require_same). Raises Refused, with nothing touched, for a plan that is blocked, was
    altered, or whose job id was used before.
    """
    _refuse_unfit(plan)
    try:
        journal.begin(plan, controller, ports.facts.read().boot_id)
    except FileExistsError as error:
        raise Refused("used", "This job was carried out before; nothing was touched.") from error
    ctx = _context(ports, emit, controller, clock)
    for number, spec in enumerate(plan.steps, start=1):
        try:
            _carry_out(ctx, spec, number, journal, emit)
        except Exception as error:
            # Whatever it was: the host must not stay half changed.
            return _turn_back(ctx, plan, journal, emit, number, error)
    outcome = Outcome(
        SUCCEEDED, "Every step is done and proved.", ctx.outage_s, _results(ctx, plan)
    )
    _note(journal, outcome)
    return outcome


def _note(journal: Journal, outcome: Outcome) -> None:
    """A disk that takes nothing does not change how a job ended; `settle` would find the same."""
    with suppress(OSError):
        journal.finish(outcome)


def _refuse_unfit(plan: Plan) -> None:
    if plan.blocked or not plan.steps:
        raise Refused("blocked", "The plan has blockers; nothing was touched.")
    if digest_of(plan.spec, plan.basis, plan.steps) != plan.digest:
        raise Refused("digest", "The plan is not the one that its digest names.")
    for spec in plan.steps:
        step_of(spec)


def _carry_out(ctx: Context, spec: StepSpec, number: int, journal: Journal, emit: Emit) -> None:
    step = step_of(spec)
    ctx.output = _output_to(emit, number)
    emit("step_started", spec.title, step=number, command=spec.command)
    saved = step.save(ctx)
    journal.step_begun(number, saved)
    ctx.memory[spec.kind] = saved
    step.do(ctx)
    step.check(ctx)
    journal.step_done(number)
    emit("step_done", spec.title, step=number)


def settle(journal: Journal, ports: HostPorts, emit: Emit, clock: Clock | None = None) -> Outcome:
    """Bring a job to its end that this host began and that no process works on any more.

    After a crash or a kill a job whose every step was done has succeeded, any other is undone, and
    so is every one after a reboot: what has no restart policy does not run then, and only the way
    back starts it. Safe to call again, also after it was itself interrupted. Returns the outcome, that of
    the journal if the job ended already.
    """
    outcome = journal.outcome()
    if outcome is not None:
        return outcome
    snapshot = journal.snapshot()
    entries = journal.entries()
    if snapshot is None or not entries:
        outcome = Outcome(ROLLED_BACK, "The job was interrupted before its first step.")
        _note(journal, outcome)
        return outcome
    ctx = _context(ports, emit, snapshot.controller, clock)
    ctx.rebooted = ports.facts.read().boot_id != snapshot.boot_id
    _recall(ctx, snapshot, entries)
    done = {e.step for e in entries if e.phase == "done"}
    whole = len(done) == len(snapshot.plan.steps) and not ctx.rebooted
    if whole and not any(e.phase == UNDONE for e in entries):
        outcome = Outcome(
            SUCCEEDED,
            "Every step was done and proved before the agent was interrupted.",
            None,
            _results(ctx, snapshot.plan),
        )
        _note(journal, outcome)
        return outcome
    how = "the host was booted again" if ctx.rebooted else "the agent was interrupted"
    emit("rollback_started", f"The job had not ended when {how}; the host goes back.")
    return _go_back(ctx, snapshot.plan, journal, emit, f"The job was cut short: {how}.")


def _context(ports: HostPorts, emit: Emit, controller: Controller, clock: Clock | None) -> Context:
    ctx = Context(ports=ports, controller=controller, output=_output_to(emit, None))
    if clock is not None:
        ctx.clock = clock
    return ctx


def _output_to(emit: Emit, number: int | None) -> Callable[[str], None]:
    return lambda message: emit("output", message, step=number)


def _recall(ctx: Context, snapshot: Snapshot, entries: list[Entry]) -> None:
    """Know what the earlier process knew: what was saved, and since when services are away."""
    for entry in entries:
        if entry.phase != "begun":
            continue
        kind = snapshot.plan.steps[entry.step - 1].kind
        ctx.memory[kind] = entry.saved
        if kind in OUTAGE_STEPS and ctx.stopped_at is None:
            age = datetime.now(UTC) - datetime.fromisoformat(entry.at)
            ctx.stopped_at = ctx.clock.monotonic() - max(0.0, age.total_seconds())


def _turn_back(
    ctx: Context, plan: Plan, journal: Journal, emit: Emit, number: int, error: Exception
) -> Outcome:
    title, quiet = plan.steps[number - 1].title, _never_raises(emit)
    why = f"Step {number}, “{title}”, failed: {said(error)}"
    hint = error.hint if isinstance(error, OperationFailed) else ""
    quiet("step_failed", f"{said(error)} {hint}".strip(), step=number)
    quiet("rollback_started", f"{why} What was done is undone, last step first.")
    return _go_back(ctx, plan, journal, quiet, why)


def _go_back(ctx: Context, plan: Plan, journal: Journal, emit: Emit, why: str) -> Outcome:
    quiet = _never_raises(emit)
    ctx.back_at = None
    problems = roll_back(ctx, plan, journal, quiet)
    if problems:
        left = " ".join(problems)
        outcome = Outcome(
            FAILED,
            f"{why} The host could not be brought back whole. Left to do by hand: {left}",
            ctx.outage_s,
            _results(ctx, plan),
        )
    else:
        message = f"{why} The host is as it was{_losses(ctx)}."
        outcome = Outcome(ROLLED_BACK, message, ctx.outage_s, _results(ctx, plan))
        quiet("rolled_back", message)
    _note(journal, outcome)
    return outcome


def _losses(ctx: Context) -> str:
    """What no rollback can bring back: containers with --rm that were stopped."""
    if not ctx.begun(REMEMBER) or ctx.stopped_at is None:
        return ""
    try:
        there = {c.id for c in ctx.ports.docker.containers()}
    except DockernetError:
        return ""
    lost = [r.name for r in before_of(ctx).containers if r.auto_remove and r.id not in there]
    return f", but for what ran with --rm and is gone: {', '.join(lost)}" if lost else ""


def _results(ctx: Context, plan: Plan) -> tuple[ContainerResult, ...]:
    """The containers of the plan with the addresses that they really have."""
    try:
        now = {c.name: c.endpoint("bridge") for c in ctx.ports.docker.containers()}
    except DockernetError:
        now = {}
    found = []
    for move in plan.containers:
        endpoint = now.get(move.name)
        found.append(ContainerResult(move.name, move.from_, endpoint.ipv4 if endpoint else None))
    return tuple(found)


def _never_raises(emit: Emit) -> Emit:
    """An Emit whose failure (a full disk, a lost connection) does not stop a rollback."""

    def quiet(kind: str, message: str = "", *, step: int | None = None, **data: Json) -> None:
        with suppress(Exception):
            emit(kind, message, step=step, **data)

    return quiet
