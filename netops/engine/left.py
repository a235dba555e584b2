"""How a host differs from what it was before a job, each difference with the command against it.

The last proof of a rollback, over and above what the steps prove themselves; and, where a rollback
did not work, what is left to do by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from attrs import frozen

from netops.engine.before import BRIDGE
from netops.engine.config_edit import ConfigEdit
from netops.engine.context import Context
from netops.engine.errors import OperationFailed
from netops.engine.file_copy import file_bytes, file_saved
from netops.engine.identity import made_by_scheduler, same_containers
from netops.engine.nat_keep import lacking, same_family
from netops.engine.nat_setting import asked_for
from netops.engine.ran_through import still_expected
from netops.engine.restart import unit_down
from netops.engine.running import running_known
from netops.engine.serial import Json, from_json
from netops.engine.snapshot import FILES, HostSnapshot


@frozen
class Left:
    """`what` is a sentence, `command` a line for the host's shell."""

    what: str
    command: str

    def __str__(self) -> str:
        return f"{self.what} Run: `{self.command}`."


def left_over(ctx: Context, before: HostSnapshot, job_id: str, kept: str) -> list[Left]:
    """Return what is not as `before`, [] where all is.

    `kept` is the folder with the copies of the configuration files. A layer that cannot be read is
    a difference of its own.
    """
    found: list[Left] = []
    for look in (_files, _addresses, _forwarding, _rules):
        try:
            found += list(look(ctx, before, job_id, kept))
        except (OperationFailed, OSError) as error:
            found.append(Left(str(error), f"dockernet-agent journal {job_id}"))
    return [*found, *not_running(ctx)]


def not_running(ctx: Context) -> list[Left]:
    """Return what ran and does not, Docker itself among it, whatever subnet the host is on."""
    found: list[Left] = []
    for look in (_service, _containers):
        try:
            found += list(look(ctx))
        except (OperationFailed, OSError) as error:
            found.append(Left(str(error), "docker ps -a"))
    return found


def _files(ctx: Context, before: HostSnapshot, job_id: str, kept: str) -> Iterator[Left]:
    for path, saved in before.files.items():
        if path in FILES and path != _written(ctx):
            continue  # The job never touched it: what others did to it is theirs.
        if file_saved(ctx.ports, path) == saved or _edited_by_others(ctx, path, saved):
            continue
        copy = f"cp -p {kept}/{PurePosixPath(path).name} {path}"
        yield Left(f"{path} is not what it was.", copy if saved else f"rm {path}")


def _written(ctx: Context) -> str:
    """Return the path of the configuration file that the job has edited, "" if it has not."""
    saved = ctx.memory.get("write_config")
    return from_json(ConfigEdit, saved["edit"]).path if saved is not None else ""


def _edited_by_others(ctx: Context, path: str, before: Json) -> bool:
    """Return whether the key that the job has set is as it was: the rest is theirs, and stays."""
    written = ctx.memory.get("write_config")
    if written is None:
        return False
    edit = from_json(ConfigEdit, written["edit"])
    if path != edit.path:
        return False
    found = ctx.ports.config.read_bytes(path)
    try:
        return edit.value_in(found[0] if found else None) == edit.value_in(file_bytes(before))
    except ValueError:
        return False


def _service(ctx: Context) -> Iterator[Left]:
    if not ctx.ports.docker.daemon().running:
        yield Left("Docker does not run.", ctx.ports.service.command("start"))


def _addresses(ctx: Context, before: HostSnapshot, job_id: str, kept: str) -> Iterator[Left]:
    old = {a.interface for a in before.addresses if a.link == BRIDGE}
    now = {a.interface for a in ctx.ports.netlink.addresses() if a.link == BRIDGE}
    for interface in sorted(now - old):
        yield Left(f"{BRIDGE} has {interface}.", f"ip address del {interface} dev {BRIDGE}")
    for interface in sorted(old - now):
        yield Left(f"{BRIDGE} lacks {interface}.", f"ip address add {interface} dev {BRIDGE}")


def _forwarding(ctx: Context, before: HostSnapshot, job_id: str, kept: str) -> Iterator[Left]:
    # A boot, and dockerd when it starts, set it for reasons of their own; off is what cuts off.
    if before.ip_forward and not ctx.ports.forwarding.enabled():
        yield Left("The host does not forward packets.", "sysctl -w net.ipv4.ip_forward=1")


def _rules(ctx: Context, before: HostSnapshot, job_id: str, kept: str) -> Iterator[Left]:
    if before.nat is None:
        return
    again = f"dockernet-agent revert {job_id}"
    now = ctx.ports.nat.read()
    if asked_for(now) != asked_for(before.nat):
        yield Left("The NAT settings of Dockernet are not what they were.", again)
    elif now.settings and same_family(ctx.ports, now):
        # As they follow Docker by now: containers may be back with other addresses.
        for text in lacking(ctx.ports, now):
            yield Left(f"Of Dockernet's NAT rules: {text}.", again)


def _containers(ctx: Context) -> Iterator[Left]:
    running = running_known(ctx)
    expected = running.without(())
    same = same_containers(expected, ctx.ports.docker.containers())
    for ran in still_expected(ctx, expected, same):
        container = same.get(ran.id)
        if container is None:
            continue  # Others have removed it.
        if not container.running and not made_by_scheduler(ran.labels):
            what = f"The container {ran.name} is {container.state}."
            yield Left(what, f"docker start {ran.name}")
        elif ran.paused and container.state == "running":
            yield Left(f"{ran.name} was paused and is not.", f"docker pause {ran.name}")
    for name in ctx.ports.service.units_down(running.units) if running.units else ():
        down = unit_down(name)
        yield Left(down.why, down.command)
