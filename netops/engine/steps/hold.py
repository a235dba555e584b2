"""Keep the range that docker0 leaves free for the way back."""

from __future__ import annotations

from ipaddress import IPv4Network

from netops.engine.context import Context
from netops.engine.errors import OperationFailed
from netops.engine.hold import range_hold, range_release, range_takers
from netops.engine.steps.base import Step


class HoldRange(Step):
    """`docker network create` of a network that holds the old range; params: old, new (subnets).

    The way back removes it right before it stops Docker (restore.py), so that it has no undo here.
    """

    kind = "hold_range"

    def do(self, ctx: Context) -> None:
        old, new = IPv4Network(self.text("old")), IPv4Network(self.text("new"))
        try:
            range_hold(ctx.ports, old, new)
        except OperationFailed as error:
            # The new state is sound without it: should it come to a way back, the host stays there.
            names = ", ".join(n.name for n in range_takers(ctx.ports, old))
            why = f"Docker's network {names} has taken it." if names else error.message
            ctx.output(f"{old} could not be held: {why} Without it there may be no way back to it.")
            return
        ctx.output(f"{old} is held until the change is confirmed: no new network gets it.")

    def finish(self, ctx: Context) -> None:
        stayed = range_release(ctx.ports)
        for name in stayed:
            ctx.output(f"The network {name} is in use and stays. Run: docker network rm {name}")
