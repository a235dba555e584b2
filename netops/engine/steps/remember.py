"""Look at the service and remember what runs; at the very end of a rollback, prove it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Interface

from netops.engine.before import KIND, Before, RanBefore, before_of, take
from netops.engine.context import Context, Saved
from netops.engine.errors import CheckFailed
from netops.engine.published import forget_published
from netops.engine.run_again import run_again
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
        expected = [ran for ran in before.containers if ran.must_run]
        started = run_again(ctx, expected, 30.0 + 2.0 * len(expected))
        if started:
            ctx.output(f"Started again: {', '.join(started)}.")
        _routes_put_back(ctx, before)
        use_bridge = any(ran.endpoint("bridge") for ran in expected)

        def problems() -> list[str]:
            return (
                docker_problems(ctx.ports, before.interface)
                + kernel_problems(ctx.ports, before.addresses, must_be_up=use_bridge)
                + running_problems(ctx, expected, before.interface.network)
            )

        ctx.wait(problems, SETTLE_S)
        ctx.outage_ends()
        count = forget_published(ctx, [])
        if count:
            ctx.output(f"Forgot {count} connections to published ports.")
        _prove_reach(ctx, before, expected)
        ctx.output(f"docker0 has {_text(before)} as before; all that ran runs again.")


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
