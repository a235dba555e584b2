"""One more look at all that ran, some seconds after it was started."""

from __future__ import annotations

from netops.engine.context import Context
from netops.engine.published import forget_published
from netops.engine.steps.proof import ProofStep, wait_until_running
from netops.engine.verify import running_problems

# A program that misses its database ends within a few seconds of its start, and after the proof.
STEADY_S = 4.0


class LookAgain(ProofStep):
    """`sleep 4; docker ps`; params: interface (docker0's own address to be)."""

    kind = "look_again"

    def do(self, ctx: Context) -> None:
        if ctx.back_at is not None:
            ctx.clock.sleep(max(0.0, ctx.back_at + STEADY_S - ctx.clock.monotonic()))
        if running_problems(ctx, self.expected(ctx), self.interface.network):
            wait_until_running(ctx, self.interface)
            ctx.clock.sleep(STEADY_S)

    def check(self, ctx: Context) -> None:
        wait_until_running(ctx, self.interface)
        # Docker may have started one again by itself, after packets for it came while it was down.
        forget_published(ctx, [])
        ctx.output("All that ran still runs.")
