"""Stop and start Docker's service, and its containers where live-restore asks for it."""

from __future__ import annotations

from ipaddress import IPv4Interface

from attrs import evolve

from netops.engine.before import Before, before_of
from netops.engine.config_back import key_set
from netops.engine.config_edit import ConfigEdit
from netops.engine.context import Context, Saved
from netops.engine.daemon import docker_start, docker_stop
from netops.engine.errors import CheckFailed
from netops.engine.restart import restart_containers
from netops.engine.restore import (
    RECORD_S,
    docker_is_on,
    docker_leave,
    restore_docker,
    set_addresses,
)
from netops.engine.running import running_known, running_note
from netops.engine.serial import Json, from_json
from netops.engine.steps.base import Step
from netops.engine.stopping import stop_all
from netops.engine.verify import configured_problems, docker_problems, kernel_problems


def written(ctx: Context) -> tuple[ConfigEdit, Json]:
    """Return what this job did to dockerd's configuration, and the file before it."""
    saved = ctx.memory["write_config"]
    return from_json(ConfigEdit, saved["edit"]), saved["original"]


class StopContainers(Step):
    """`docker stop ...`: with live-restore, dockerd ignores a new bip while anything runs."""

    kind = "stop_containers"

    def save(self, ctx: Context) -> Saved:
        running_note(ctx)
        return {}

    def do(self, ctx: Context) -> None:
        ctx.outage_begins()
        stop_all(ctx)

    def check(self, ctx: Context) -> None:
        left = [c.name for c in ctx.ports.docker.containers() if c.running]
        if left:
            raise CheckFailed(f"Still running: {', '.join(left)}.")

    def undo(self, ctx: Context, saved: Saved) -> None:
        restart_containers(ctx, running_known(ctx))


class DockerStop(Step):
    """`service docker stop`, after a last look at what runs and what the configuration says.

    params: timeout_s.
    """

    kind = "docker_stop"

    def save(self, ctx: Context) -> Saved:
        if ctx.begun("write_config"):
            self._refuse_edited(ctx)
        running_note(ctx)
        return {"daemon_pid": ctx.ports.docker.daemon().pid}

    def _refuse_edited(self, ctx: Context) -> None:
        """Somebody may have edited the configuration since: dockerd might not start with it."""
        edit, _ = written(ctx)
        problems = configured_problems(ctx.ports, IPv4Interface(edit.value))
        if problems:
            raise CheckFailed(
                f"Docker's configuration was changed by others during the job: {problems[0]}",
                "Ask for a new plan once it is settled.",
            )

    def do(self, ctx: Context) -> None:
        ctx.outage_begins()
        ctx.ports.service.stop(self.seconds("timeout_s"))

    def check(self, ctx: Context) -> None:
        if ctx.ports.service.state().active or ctx.ports.docker.daemon().running:
            raise CheckFailed("Docker was told to stop and still runs.")

    def undo(self, ctx: Context, saved: Saved) -> None:
        restore_docker(ctx, before_of(ctx), *written(ctx))


class DockerStart(Step):
    """`service docker start`; params: timeout_s, interface (docker0's own address to be)."""

    kind = "docker_start"

    @property
    def interface(self) -> IPv4Interface:
        """docker0's own address to be."""
        return IPv4Interface(self.text("interface"))

    def do(self, ctx: Context) -> None:
        docker_start(ctx, self.seconds("timeout_s"))

    def check(self, ctx: Context) -> None:
        ctx.wait(lambda: docker_problems(ctx.ports, self.interface), RECORD_S)
        ctx.output(f"Docker runs; its default network is {self.interface.network}.")

    def undo(self, ctx: Context, saved: Saved) -> None:
        before = before_of(ctx)
        if not docker_is_on(ctx, before):
            docker_leave(ctx, before)

    def reach(self, ctx: Context) -> None:
        if not docker_is_on(ctx, self._after(ctx)):
            running_note(ctx)
            docker_stop(ctx)
            edit, original = written(ctx)
            key_set(ctx, edit, original)
            set_addresses(ctx, self._after(ctx))
            docker_start(ctx, self.seconds("timeout_s"))
        self.check(ctx)
        problems = kernel_problems(ctx.ports, [self.interface], must_be_up=False)
        if problems:
            ctx.output(f"{problems[0]} It is set right.")
            set_addresses(ctx, self._after(ctx))

    def _after(self, ctx: Context) -> Before:
        """Return docker0 as it shall be, in the form in which its former state is remembered."""
        return evolve(before_of(ctx), interface=self.interface, addresses=(self.interface,))
