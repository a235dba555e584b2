"""Carries a plan out on this host, step by step, and goes back if any of it fails."""

from __future__ import annotations

from collections.abc import Callable

from netops.engine.context import Clock, Context
from netops.engine.errors import Cancelled, OperationFailed, Refused
from netops.engine.go_back import (
    context_new,
    go_back,
    never_raises,
    outcome_note,
    output_to,
    results,
)
from netops.engine.journal import SUCCEEDED, Journal, Outcome
from netops.engine.observed import Controller
from netops.engine.plan import Plan, StepSpec, digest_of
from netops.engine.ports import Emit, HostPorts
from netops.engine.rollback import said
from netops.engine.snapshot import snapshot_take
from netops.engine.steps import step_of

__all__ = ["Outcome", "apply"]


def apply(
    plan: Plan,
    ports: HostPorts,
    emit: Emit,
    journal: Journal,
    controller: Controller,
    clock: Clock | None = None,
    *,
    cancelled: Callable[[], str] = lambda: "",
    hold: bool = False,
) -> Outcome:
    """Carry out `plan` and return how it ended; never raises for what the host does.

    The caller has made sure that the host is still what the plan was made from
    (planner.require_same). `cancelled` is asked before each step and returns a sentence when the
    job shall stop there and go back. With `hold` a job whose every step is done has not ended yet:
    its outcome waits in the journal until it is confirmed (`Journal.finish`) or undone (`settle`).
    Raises Refused, with nothing touched, for a plan that is blocked, was altered, or whose job id
    was used before; OperationFailed when the host cannot be kept as it is.
    """
    _refuse_unfit(plan)
    try:
        boot_id = ports.facts.read().boot_id
        journal.begin(plan, controller, boot_id, snapshot_take(ports, plan))
    except FileExistsError as error:
        raise Refused("used", "This job was carried out before; nothing was touched.") from error
    ctx = context_new(ports, emit, controller, clock)
    ctx.note = journal.note
    for number, spec in enumerate(plan.steps, start=1):
        try:
            _stop_if(cancelled())
            _carry_out(ctx, spec, number, journal, emit)
        except Exception as error:
            # Whatever it was: the host must not stay half changed.
            return _turn_back(ctx, plan, journal, emit, number, error)
    message = "Every step is done and proved."
    outcome = Outcome(SUCCEEDED, message, ctx.outage_s, results(ctx, plan))
    if not hold:
        outcome_note(journal, outcome)
        return outcome
    try:
        journal.hold(outcome)
    except OSError as error:
        return _turn_back(ctx, plan, journal, emit, len(plan.steps), error)
    return outcome


def _stop_if(cancelled: str) -> None:
    if cancelled:
        raise Cancelled(cancelled)


def _refuse_unfit(plan: Plan) -> None:
    if plan.blocked or not plan.steps:
        raise Refused("blocked", "The plan has blockers; nothing was touched.")
    if digest_of(plan.spec, plan.basis, plan.steps) != plan.digest:
        raise Refused("digest", "The plan is not the one that its digest names.")
    for spec in plan.steps:
        step_of(spec)


def _carry_out(ctx: Context, spec: StepSpec, number: int, journal: Journal, emit: Emit) -> None:
    step = step_of(spec)
    ctx.output = output_to(emit, number)
    emit("step_started", spec.title, step=number, command=spec.command)
    saved = step.save(ctx)
    journal.step_begun(number, saved)
    ctx.memory[spec.kind] = saved
    step.do(ctx)
    step.check(ctx)
    journal.step_done(number)
    emit("step_done", spec.title, step=number)


def _turn_back(
    ctx: Context, plan: Plan, journal: Journal, emit: Emit, number: int, error: Exception
) -> Outcome:
    title, quiet = plan.steps[number - 1].title, never_raises(emit)
    if isinstance(error, Cancelled):
        why = f"{error.message} It stopped before step {number}, “{title}”."
    else:
        why = f"Step {number}, “{title}”, failed: {said(error)}"
        hint = error.hint if isinstance(error, OperationFailed) else ""
        quiet("step_failed", f"{said(error)} {hint}".strip(), step=number)
    quiet("rollback_started", f"{why} The host goes back, last step first.")
    return go_back(ctx, plan, journal, quiet, why)
