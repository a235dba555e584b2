"""Stop and start Docker's service, and its containers where live-restore asks for it."""

from __future__ import annotations

from ipaddress import IPv4Interface

from netops.engine.before import before_of
from netops.engine.config_edit import ConfigEdit
from netops.engine.context import Context, Saved
from netops.engine.errors import CheckFailed
from netops.engine.restore import (
    RECORD_S,
    bring_back,
    docker_is_on,
    docker_start,
    docker_stop,
)
from netops.engine.run_again import run_again, stop_all
from netops.engine.serial import from_json
from netops.engine.steps.base import Step
from netops.engine.verify import docker_problems


class StopContainers(Step):
    """`docker stop ...`: with live-restore, dockerd ignores a new bip while anything runs."""

    kind = "stop_containers"

    def do(self, ctx: Context) -> None:
        ctx.outage_begins()
        stop_all(ctx)

    def check(self, ctx: Context) -> None:
        left = [c.name for c in ctx.ports.docker.containers() if c.running]
        if left:
            raise CheckFailed(f"Still running: {', '.join(left)}.")

    def undo(self, ctx: Context, saved: Saved) -> None:
        expected = [ran for ran in before_of(ctx).containers if ran.must_run]
        run_again(ctx, expected, 30.0 + 2.0 * len(expected))


class DockerStop(Step):
    """`service docker stop`; params: timeout_s."""

    kind = "docker_stop"

    def save(self, ctx: Context) -> Saved:
        return {"daemon_pid": ctx.ports.docker.daemon().pid}

    def do(self, ctx: Context) -> None:
        ctx.outage_begins()
        ctx.ports.service.stop(self.seconds("timeout_s"))

    def check(self, ctx: Context) -> None:
        if ctx.ports.service.state().active or ctx.ports.docker.daemon().running:
            raise CheckFailed("Docker was told to stop and still runs.")

    def undo(self, ctx: Context, saved: Saved) -> None:
        written = ctx.memory["write_config"]
        edit = from_json(ConfigEdit, written["edit"])
        bring_back(ctx, before_of(ctx), edit, written["original"])


class DockerStart(Step):
    """`service docker start`; params: timeout_s, interface (docker0's own address to be)."""

    kind = "docker_start"

    def do(self, ctx: Context) -> None:
        docker_start(ctx, self.seconds("timeout_s"))

    def check(self, ctx: Context) -> None:
        interface = IPv4Interface(self.text("interface"))
        ctx.wait(lambda: docker_problems(ctx.ports, interface), RECORD_S)
        ctx.output(f"Docker runs; its default network is {interface.network}.")

    def undo(self, ctx: Context, saved: Saved) -> None:
        if not docker_is_on(ctx, before_of(ctx)):
            docker_stop(ctx)
