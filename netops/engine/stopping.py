"""Stops containers through Docker, where dockerd's own stop would keep them running."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from netops.engine.context import Context
from netops.engine.errors import OperationFailed
from netops.engine.running import STOPPED_BY_US

AT_ONCE = 16
ROUNDS = 3


def stop_all(ctx: Context) -> None:
    """Stop every running container, all at the same time.

    Docker then takes each for stopped by hand, so that its restart policy brings none back: the
    caller starts them again. Raises OperationFailed if one does not stop.
    """
    ctx.keep(STOPPED_BY_US, {})
    errors: dict[str, str] = {}
    for _ in range(ROUNDS):  # One may be started while the others are stopped.
        ids = [c.id for c in ctx.ports.docker.containers() if c.running]
        if not ids:
            return
        errors = all_at_once(ctx.ports.docker.stop, ids)
    if errors:
        raise OperationFailed(" ".join(errors.values()), "Stop it by hand: `docker kill NAME`.")


def all_at_once(work: Callable[[str], None], ids: Sequence[str]) -> dict[str, str]:
    """Run `work` for each id in threads; return {id: message} of those that failed."""

    def attempt(container_id: str) -> str:
        try:
            work(container_id)
        except OperationFailed as error:
            return error.message
        return ""

    if not ids:
        return {}
    with ThreadPoolExecutor(min(AT_ONCE, len(ids))) as pool:
        found = dict(zip(ids, pool.map(attempt, ids), strict=True))
    return {container_id: message for container_id, message in found.items() if message}
