"""dockerd itself, stopped and started on the way forward and back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from netops.engine.context import DOCKER_UP, Context
from netops.engine.errors import OperationFailed
from netops.engine.stopping import stop_all

STOP_S, START_S, ENDED_S = 120.0, 180.0, 5.0
# dockerd's own last word when it does not start (moby cmd/dockerd, docker.go).
_FATAL = ("failed to start daemon", "unable to configure the Docker daemon", "level=fatal")


def docker_stop(ctx: Context) -> None:
    """Stop dockerd and, where live-restore would keep them, its containers first."""
    ctx.outage_begins()
    daemon = ctx.ports.docker.daemon()
    if daemon.running and daemon.live_restore:
        stop_all(ctx)
    ctx.ports.service.stop(STOP_S)


def docker_start(ctx: Context, timeout_s: float = START_S) -> None:
    """Start dockerd and wait until it answers.

    Raises OperationFailed, with dockerd's own reason where its log has one.
    """
    try:
        ctx.ports.service.start(timeout_s)
        ctx.ports.docker.wait_until_answering(timeout_s, _not_ended(ctx))
    except OperationFailed as error:
        reason = _reason(ctx)
        if not reason:
            raise
        raise OperationFailed(f"{error.message} dockerd says: {reason}", error.hint) from error
    with suppress(OSError):  # A full disk: then what ended later counts as stopped by dockerd.
        ctx.keep(DOCKER_UP, {"at": datetime.now(UTC).isoformat()})


def _reason(ctx: Context) -> str:
    """Return dockerd's last word on why it ended, "" where its log has none."""
    lines = ctx.ports.service.log_tail(20).splitlines()
    found = [line for line in lines if any(word in line for word in _FATAL)]
    return found[-1].strip()[-500:] if found else ""


def _not_ended(ctx: Context) -> Callable[[], bool]:
    """Return a check that is True until the service has not run for ENDED_S seconds.

    sysv's start returns before dockerd is there, also when it then refuses to start; services are
    away while it is waited for.
    """
    seen = ctx.clock.monotonic()

    def not_ended() -> bool:
        nonlocal seen
        if ctx.ports.service.state().active:
            seen = ctx.clock.monotonic()
        return ctx.clock.monotonic() - seen < ENDED_S

    return not_ended
