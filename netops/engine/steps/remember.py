"""Look at the service and remember what runs; at the very end of a rollback, prove it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import IPv4Interface

from netops.engine.before import KIND, Before, RanBefore, before_of, take
from netops.engine.context import LONGEST_POLL_S, Context, Saved
from netops.engine.errors import CheckFailed
from netops.engine.published import forget_published
from netops.engine.restart import NotRunning, restart_containers, restart_limit_s, units_lost
from netops.engine.running import RETURNED, Running, long_ended, running_known, running_note
from netops.engine.serial import from_json, to_json
from netops.engine.steps.base import Step
from netops.engine.verify import (
    cut_off,
    docker_problems,
    kernel_problems,
    outside_problems,
    running_problems,
)

SETTLE_S = 20.0


class Remember(Step):
    """`service docker status`; params: interface (docker0's own address before)."""

    kind = KIND

    def save(self, ctx: Context) -> Saved:
        before = take(ctx, IPv4Interface(self.text("interface")))
        saved = to_json(before)
        assert isinstance(saved, dict)
        return saved

    def do(self, ctx: Context) -> None:
        if not ctx.ports.service.state().active:
            raise CheckFailed("Docker's service does not run.", "Start it, then ask again.")

    def check(self, ctx: Context) -> None:
        before = before_of(ctx)
        names = ", ".join(ran.name for ran in before.containers) or "none"
        ctx.output(f"Docker runs; docker0 has {_text(before)}; running containers: {names}.")
        if before.target:
            out = [ran.name for ran in before.containers if ran.reaches]
            ctx.output(f"Reach {before.target} now: {', '.join(out) or 'none'}.")

    def undo(self, ctx: Context, saved: Saved) -> None:
        before = from_json(Before, saved)
        running = _to_run(ctx)
        # What could not be started is told by the comparison with the host, see left.py.
        down = restart_containers(ctx, running)
        expected = running.without(one.name for one in down)
        _routes_put_back(ctx, before)
        units = [name for name in running.units if name not in {one.name for one in down}]
        use_bridge = any(ran.endpoint("bridge") for ran in expected)

        def problems() -> list[str]:
            return (
                docker_problems(ctx.ports, before.interface)
                + kernel_problems(ctx.ports, before.addresses, must_be_up=use_bridge)
                + running_problems(ctx, expected, before.interface.network)
                + units_lost(ctx, units)
            )

        _wait_started(ctx, problems, running)
        ctx.outage_ends()
        count = forget_published(ctx, [])
        if count:
            ctx.output(f"Forgot {count} connections to published ports.")
        _prove_reach(ctx, before, expected)
        ctx.output(f"docker0 has {_text(before)} as before; {_told(down)}.")


def _wait_started(ctx: Context, problems: Callable[[], list[str]], running: Running) -> None:
    """Wait until nothing is wrong; what ends meanwhile is started again, as on the way forward."""
    end = ctx.clock.monotonic() + SETTLE_S + restart_limit_s(running)
    while found := problems():
        left_s = end - ctx.clock.monotonic()
        if left_s <= 0:
            raise CheckFailed(" ".join(found))
        restart_containers(ctx, running, min(left_s, SETTLE_S))
        ctx.clock.sleep(LONGEST_POLL_S)


def _to_run(ctx: Context) -> Running:
    """Return what shall run: as of Docker's last stop, or now where it was not stopped since."""
    stopped = ctx.begun("docker_stop") or ctx.begun("stop_containers")
    if stopped and RETURNED not in ctx.memory and not long_ended(ctx):
        return running_known(ctx)
    with suppress(OSError):  # A full disk: it is looked at again in another process.
        return running_note(ctx)
    return running_known(ctx)


def _told(down: Sequence[NotRunning]) -> str:
    if not down:
        return "all that ran runs again"
    return f"all that ran runs again but {', '.join(one.name for one in down)}"


def _routes_put_back(ctx: Context, before: Before) -> None:
    """The kernel dropped these when docker0 was set down (ip-route(8))."""
    missing = [r for r in before.routes if r not in ctx.ports.netlink.routes()]
    for route in missing:
        ctx.ports.netlink.route_add(route)
    if missing:
        names = ", ".join(str(route.destination) for route in missing)
        ctx.output(f"Routes through docker0 are there again: {names}.")


def _prove_reach(ctx: Context, before: Before, expected: Sequence[RanBefore]) -> None:
    """Raises CheckFailed if a container lost the outside while the host itself still reaches it."""
    try:
        ctx.wait(lambda: outside_problems(ctx, before, expected), SETTLE_S)
    except CheckFailed:
        if not cut_off(ctx, before):
            raise
        ctx.output(f"This host itself does not reach {before.target} now, nor can its containers.")


def _text(before: Before) -> str:
    return ", ".join(str(interface) for interface in before.addresses) or "no address"
