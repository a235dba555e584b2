"""What others did to a host during a job, and which a way back leaves as it is."""

from __future__ import annotations

from collections.abc import Iterator

from netops.engine.before import KIND as REMEMBER
from netops.engine.before import before_of
from netops.engine.config_edit import ConfigEdit
from netops.engine.context import Context
from netops.engine.errors import DockernetError
from netops.engine.file_copy import file_bytes
from netops.engine.identity import same_containers
from netops.engine.serial import from_json

MOST_NAMES = 12


def changed_by_others(ctx: Context) -> list[str]:
    """Return what is not as before the job because others changed it, in sentences."""
    try:
        return [*_config(ctx), *_containers(ctx)]
    except (DockernetError, OSError):
        return []


def _config(ctx: Context) -> Iterator[str]:
    saved = ctx.memory.get("write_config")
    if saved is None:
        return
    edit = from_json(ConfigEdit, saved["edit"])
    found = ctx.ports.config.read_bytes(edit.path)
    if (found[0] if found else None) != file_bytes(saved["original"]):
        yield f"What others changed in {edit.path} meanwhile stays."


def _containers(ctx: Context) -> Iterator[str]:
    if not ctx.begun(REMEMBER):
        return
    now = ctx.ports.docker.containers()
    before = [r for r in before_of(ctx).containers if not r.auto_remove]
    same = same_containers(before, now)
    gone = [r.name for r in before if r.id not in same]
    stopped = [r.name for r in before if r.id in same and same[r.id].manually_stopped]
    if gone:
        yield f"Removed by others meanwhile: {_listed(gone)}."
    if stopped:
        yield f"Stopped by others meanwhile: {_listed(stopped)}."


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown} and {len(names) - MOST_NAMES} more"
