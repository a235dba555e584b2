"""Stops containers, and makes those that ran run again, whatever their restart policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from netops.engine.before import RanBefore
from netops.engine.context import FIRST_POLL_S, LONGEST_POLL_S, Context
from netops.engine.errors import OperationFailed
from netops.engine.observed import Container

AT_ONCE = 16
MOST_STARTS = 5
HINT = "Look at `docker ps -a` and `docker logs NAME`, then start the container by hand."


def stop_all(ctx: Context) -> None:
    """Stop every running container through Docker, all at the same time.

    Docker then takes "unless-stopped" for stopped by hand: whoever calls this starts them again.
    Raises OperationFailed if one does not stop.
    """
    ids = [c.id for c in ctx.ports.docker.containers() if c.running]
    errors = _all_at_once(ctx.ports.docker.stop, ids)
    if errors:
        raise OperationFailed(" ".join(errors.values()), "Stop it by hand: `docker kill NAME`.")


def run_again(ctx: Context, expected: Sequence[RanBefore], timeout_s: float) -> list[str]:
    """Start those of `expected` that do not run, pause those that were paused.

    Those that dockerd starts itself are only waited for. One that shares another's network comes
    after it; one that fails is tried again when the others run (legacy links need their target).
    One that runs and then ends with 0, as a batch job does, has run: it is not started again.
    Returns the names of those that were started here, in order. Raises OperationFailed when one
    cannot be started, or still does not run after `timeout_s` seconds.
    """
    end, pause = ctx.clock.monotonic() + timeout_s, FIRST_POLL_S
    starts: dict[str, int] = {}
    errors: dict[str, str] = {}
    # Docker may have been stopped since: what it stopped may have ended with 0 as well.
    ctx.seen_running.clear()
    while True:
        now = {c.id: c for c in ctx.ports.docker.containers()}
        ctx.seen_running |= {c.id for c in now.values() if c.running}
        left = still_expected(ctx, expected, now)
        missing = [r for r in left if not _runs(now, r.id)]
        if not missing:
            break
        _refuse_hopeless(missing, now, starts, errors, late=ctx.clock.monotonic() > end)
        ready = [r for r in missing if _can_start(r, now)]
        for ran in ready:
            starts[ran.id] = starts.get(ran.id, 0) + 1
        failed = _all_at_once(ctx.ports.docker.start, [r.id for r in ready])
        ctx.seen_running |= {r.id for r in ready} - failed.keys()
        errors |= failed
        if any(r.id in errors for r in ready) or not ready:
            ctx.clock.sleep(pause)
            pause = min(pause * 2, 4 * LONGEST_POLL_S)
    _pause_again(ctx, left, now)
    return [r.name for r in expected if r.id in starts]


def still_expected(
    ctx: Context, expected: Iterable[RanBefore], now: dict[str, Container]
) -> list[RanBefore]:
    """Return those of `expected` that have not run again and ended by themselves with 0.

    `now` are the host's containers by id. What ends so is told once. One that Docker would start
    again at any end ("always", "unless-stopped") was stopped by someone, and is expected.
    """
    left = []
    for ran in expected:
        container = now.get(ran.id)
        if container is None or container.state != "exited" or not _may_end(ran):
            left.append(ran)
            continue
        if ran.id in ctx.seen_running and container.exit_code == 0:
            if ran.id not in ctx.ran_through:
                ctx.output(f"{ran.name} ran again and ended by itself with 0.")
            ctx.ran_through.add(ran.id)
        if ran.id not in ctx.ran_through:
            left.append(ran)
    return left


def _may_end(ran: RanBefore) -> bool:
    return ran.restart_policy in ("no", "on-failure")


def _runs(now: dict[str, Container], container_id: str) -> bool:
    return container_id in now and now[container_id].running


def _can_start(ran: RanBefore, now: dict[str, Container]) -> bool:
    """True unless the container whose network it shares is still down."""
    mode, _, target = ran.network_mode.partition(":")
    if mode != "container" or not target:
        return True
    owner = next((c for c in now.values() if c.id == target or c.name == target), None)
    return owner is None or owner.running


def _refuse_hopeless(
    missing: Sequence[RanBefore],
    now: dict[str, Container],
    starts: dict[str, int],
    errors: dict[str, str],
    *,
    late: bool,
) -> None:
    for ran in missing:
        if ran.id not in now:
            raise OperationFailed(f"{ran.name} is gone.")
        if late or starts.get(ran.id, 0) >= MOST_STARTS:
            why = errors.get(ran.id, f"It is {now[ran.id].state} again.")
            raise OperationFailed(f"{ran.name} could not be started: {why}", HINT)


def _pause_again(ctx: Context, expected: Iterable[RanBefore], now: dict[str, Container]) -> None:
    for ran in expected:
        if ran.paused and now[ran.id].state != "paused":
            ctx.ports.docker.pause(ran.id)


def _all_at_once(work: Callable[[str], None], ids: Sequence[str]) -> dict[str, str]:
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
