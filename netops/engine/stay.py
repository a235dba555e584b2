"""The end of a job whose way back is closed: the new state whole, or whatever lets Docker run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from netops.engine.before import KIND as REMEMBER
from netops.engine.before import before_of
from netops.engine.config_back import file_forced_back, key_set
from netops.engine.config_edit import ConfigEdit
from netops.engine.context import Context
from netops.engine.daemon import docker_start
from netops.engine.errors import DockernetError, OperationFailed
from netops.engine.hold import range_release
from netops.engine.plan import Plan
from netops.engine.ports import Emit
from netops.engine.restart import restart_containers
from netops.engine.rollback import output_of, said
from netops.engine.running import running_known, running_note
from netops.engine.serial import from_json
from netops.engine.steps import step_of


def reach_new(ctx: Context, plan: Plan, emit: Emit) -> list[str]:
    """Bring the host to the state that the plan promises, whole and proved.

    Returns why that did not work, [] if it did. Stops at the first step that fails, since the next
    ones stand on it.
    """
    with suppress(OSError):  # A full disk: the last look holds.
        running_note(ctx)
    for number, spec in enumerate(plan.steps, start=1):
        ctx.output = output_of(emit, number)
        try:
            step_of(spec).reach(ctx)
        except Exception as error:
            emit("output", f"Not reached: {said(error)}", step=number)
            return [f"{spec.title}: {said(error)}"]
    with suppress(DockernetError):
        range_release(ctx.ports)
    ctx.outage_ends()
    return []


def docker_must_run(ctx: Context) -> None:
    """Have Docker run in whatever state it can, and in it whatever ran.

    The configuration is tried as it is, as it was before the job, with the old subnet, with the
    new one. Never raises: what does not run is told by the comparison with the host (left.py).
    """
    ctx.output = lambda message: None
    with suppress(DockernetError, OSError):
        if not docker_runs(ctx):
            _start_somehow(ctx)
        restart_containers(ctx, running_known(ctx))


def docker_runs(ctx: Context) -> bool:
    """Return whether dockerd answers; False also where its init cannot be asked."""
    try:
        return ctx.ports.docker.daemon().running
    except (DockernetError, OSError):
        return False


def _start_somehow(ctx: Context) -> None:
    saved = ctx.memory.get("write_config")
    attempts: list[Callable[[], None]] = [lambda: None]
    if saved is not None:
        edit, original = from_json(ConfigEdit, saved["edit"]), saved["original"]
        attempts.append(lambda: file_forced_back(ctx, edit, original))
        if ctx.begun(REMEMBER):
            old = edit.with_value(str(before_of(ctx).interface))
            attempts.append(lambda: key_set(ctx, old, original))
        attempts.append(lambda: key_set(ctx, edit, original))
    for prepare in attempts:
        try:
            prepare()
            docker_start(ctx)
        except OperationFailed:
            with suppress(OperationFailed):
                ctx.ports.service.stop(10.0)
            continue
        return
