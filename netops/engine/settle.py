"""Brings a job to its end that nobody works on any more, from its journal alone."""

from __future__ import annotations

from datetime import UTC, datetime

from netops.engine.context import Clock, Context
from netops.engine.go_back import context_new, go_back, outcome_note, results
from netops.engine.journal import (
    BEGUN,
    DONE,
    ROLLED_BACK,
    SUCCEEDED,
    UNDONE,
    Entry,
    Journal,
    Outcome,
    Snapshot,
)
from netops.engine.ports import Emit, HostPorts
from netops.engine.running import memory_of

OUTAGE_STEPS = ("stop_containers", "docker_stop")
ALL_DONE = "Every step was done and proved before the agent was interrupted."


def settle(
    journal: Journal,
    ports: HostPorts,
    emit: Emit,
    clock: Clock | None = None,
    *,
    why: str = "",
    hold: bool = False,
) -> Outcome:
    """Bring a job to its end that this host began and that no process works on any more.

    After a crash or a kill a job whose every step was done has succeeded (with `hold` it still
    needs its confirm, see `apply`), any other is undone, and so is every one after a reboot: what
    has no restart policy does not run then, and only the way back starts it. With `why` (a
    sentence: the confirm did not come, the time was up) it is undone in any case. Safe to call
    again, also after it was itself interrupted. Returns the outcome, that of the journal if the
    job ended already.
    """
    outcome = journal.outcome()
    if outcome is not None:
        return outcome
    snapshot = journal.snapshot()
    entries = journal.entries()
    if snapshot is None or not entries:
        because = why or "The job was interrupted before its first step."
        outcome = Outcome(ROLLED_BACK, f"{because} Nothing was touched.")
        outcome_note(journal, outcome)
        return outcome
    ctx = context_again(journal, snapshot, entries, ports, emit, clock)
    why = why or journal.turned_back
    whole = _all_done(snapshot, entries) and not ctx.rebooted
    if not why and journal.held is None and whole:
        outcome = Outcome(SUCCEEDED, ALL_DONE, None, results(ctx, snapshot.plan))
        if hold:
            journal.hold(outcome)
        else:
            outcome_note(journal, outcome)
        return outcome
    why = why or "The job was cut short: the agent was interrupted."
    if ctx.rebooted:
        why = f"{why} The host was booted again."
    emit("rollback_started", f"{why} The host goes back.")
    return go_back(ctx, snapshot.plan, journal, emit, why)


def _all_done(snapshot: Snapshot, entries: list[Entry]) -> bool:
    done = {e.step for e in entries if e.phase == DONE}
    return len(done) == len(snapshot.plan.steps) and not any(e.phase == UNDONE for e in entries)


def context_again(
    journal: Journal,
    snapshot: Snapshot,
    entries: list[Entry],
    ports: HostPorts,
    emit: Emit,
    clock: Clock | None,
) -> Context:
    """Return the surroundings as the earlier process had them: what was saved, and since when
    services are away."""
    ctx = context_new(ports, emit, snapshot.controller, clock)
    ctx.boot_id = ports.facts.read().boot_id
    ctx.rebooted = ctx.boot_id != snapshot.boot_id
    ctx.reopened = journal.reopened
    ctx.memory.update(memory_of(journal.notes()))
    held = journal.held
    for entry in entries:
        if entry.phase != BEGUN:
            continue
        kind = snapshot.plan.steps[entry.step - 1].kind
        ctx.memory[kind] = entry.saved
        if kind in OUTAGE_STEPS and ctx.stopped_at is None and held is None and not ctx.reopened:
            age = datetime.now(UTC) - datetime.fromisoformat(entry.at)
            ctx.stopped_at = ctx.clock.monotonic() - max(0.0, age.total_seconds())
    return ctx
