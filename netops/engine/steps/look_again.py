"""One more look at all that ran, some seconds after it was started."""

from __future__ import annotations

from netops.engine.context import Context
from netops.engine.published import forget_published
from netops.engine.restart import STEADY_S, units_lost
from netops.engine.running import running_known
from netops.engine.steps.proof import LAYERS_S, ProofStep, wait_until_running
from netops.engine.verify import running_problems


class LookAgain(ProofStep):
    """`sleep 4; docker ps`; params: interface (docker0's own address to be)."""

    kind = "look_again"

    def do(self, ctx: Context) -> None:
        if ctx.back_at is not None:
            ctx.clock.sleep(max(0.0, ctx.back_at + STEADY_S - ctx.clock.monotonic()))
        if self._problems(ctx):
            wait_until_running(ctx, self.interface)
            ctx.clock.sleep(STEADY_S)

    def check(self, ctx: Context) -> None:
        # Nothing is started any more: what ends again and again would seem to run.
        ctx.wait(lambda: self._problems(ctx), LAYERS_S)
        # Docker may have started one again by itself, after packets for it came while it was down.
        forget_published(ctx, [])
        ctx.output("All that ran still runs.")

    def _problems(self, ctx: Context) -> list[str]:
        found = running_problems(ctx, self.expected(ctx), self.interface.network)
        return found + units_lost(ctx, running_known(ctx).units)
