"""Containers that have done their work: they ran again, and ended by themselves with 0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from netops.engine.before import RanBefore
from netops.engine.context import Context
from netops.engine.observed import Container


def still_expected(
    ctx: Context, expected: Iterable[RanBefore], same: Mapping[str, Container]
) -> list[RanBefore]:
    """Return those of `expected` that have not run again and ended by themselves with 0.

    `same` is what `same_containers` found. A container that ends so is told once. One that Docker
    would start again at any end ("always", "unless-stopped") was stopped by someone, and is
    expected.
    """
    left = []
    for ran in expected:
        container = same.get(ran.id)
        if container is None or container.state != "exited" or not _may_end(ran):
            left.append(ran)
            continue
        if container.id in ctx.seen_running and container.exit_code == 0:
            if container.id not in ctx.ran_through:
                ctx.output(f"{ran.name} ran again and ended by itself with 0.")
            ctx.ran_through.add(container.id)
        if container.id not in ctx.ran_through:
            left.append(ran)
    return left


def _may_end(ran: RanBefore) -> bool:
    return ran.restart_policy in ("no", "on-failure")
