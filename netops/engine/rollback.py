"""Undoes the steps of a job, last one first, and tries again what did not work at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from netops.engine.context import Context
from netops.engine.errors import OldStateLost, OperationFailed
from netops.engine.journal import BEGUN, UNDONE, Journal
from netops.engine.plan import Plan
from netops.engine.ports import Emit
from netops.engine.steps import step_of

ROUNDS = 2


def said(error: BaseException) -> str:
    """Return an error as a sentence for people."""
    known = isinstance(error, OperationFailed)
    text = str(error) if known else f"{type(error).__name__}: {error}"
    return text if text.endswith((".", "!", "?")) else f"{text}."


def roll_back(ctx: Context, plan: Plan, journal: Journal, emit: Emit) -> list[str]:
    """Undo every step that was begun; return what could not be undone, [] if all was.

    Undoing is by looking at the host, so that a step may be undone twice. One undo that fails does
    not keep the others from being tried; after the round those that failed, and the proof by the
    first step that the host is as it was, are tried again. After a reboot, and of a job that had
    ended, nothing that an earlier process undid is believed. Raises OldStateLost as soon as the old
    state turns out to be out of reach.
    """
    entries = journal.entries()
    undone = (
        set() if ctx.rebooted or ctx.reopened else {e.step for e in entries if e.phase == UNDONE}
    )
    saved = {e.step: e.saved for e in entries if e.phase == BEGUN}
    left = [n for n in sorted(saved, reverse=True) if n not in undone]
    problems: dict[int, str] = {}
    for _ in range(ROUNDS):
        problems = {}
        for number in left:
            spec = plan.steps[number - 1]
            ctx.output = output_of(emit, number)
            try:
                step = step_of(spec)
                step.undo(ctx, saved[number])
                with suppress(OSError):  # A full disk: it would only be undone once more.
                    journal.step_undone(number)
                if step.has_undo():
                    emit("output", f"Undone: {spec.title}.", step=number)
            except OldStateLost:
                raise
            except Exception as error:
                problems[number] = f"{spec.title}: {said(error)}"
                emit("output", f"Not undone: {said(error)}", step=number)
        if not problems:
            return []
        # The proof comes last, so that it is made of what the others have mended.
        left = sorted({*problems, min(saved)}, reverse=True)
    return list(problems.values())


def output_of(emit: Emit, number: int) -> Callable[[str], None]:
    """Return what makes a text an output event of step `number`."""
    return lambda message: emit("output", message, step=number)
