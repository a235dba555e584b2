"""Brings docker0 back to what it was, from any half-done state, also after a crash or a reboot.

dockerd keeps its default network in a database of its own. Once it has started with a new `bip`,
taking the key out again changes nothing: it adopts the address that docker0 has. So the old subnet
is written as an explicit `bip` for one start; only then is the file what it was. At the next start
the old file and the stored network agree (measured: tests/root/test_subnet_rollback.py).
"""

from __future__ import annotations

from collections.abc import Callable

from netops.engine.before import BRIDGE, Before
from netops.engine.config_edit import ConfigEdit
from netops.engine.context import Context
from netops.engine.errors import CheckFailed, OperationFailed
from netops.engine.file_copy import file_bytes, file_put_back
from netops.engine.run_again import stop_all
from netops.engine.serial import Json
from netops.engine.verify import docker_problems, kernel_problems

STOP_S, START_S, RECORD_S, STEADY_S, ENDED_S = 120.0, 180.0, 10.0, 0.5, 5.0
ATTEMPTS = 2


def docker_is_on(ctx: Context, before: Before) -> bool:
    """True if dockerd answers and its record and the kernel have the old subnet."""
    if not ctx.ports.docker.daemon().running:
        return False
    try:
        return not docker_problems(ctx.ports, before.interface) and before.interface in {
            a.interface for a in ctx.ports.netlink.addresses() if a.link == BRIDGE
        }
    except OperationFailed:
        return False  # It went away while it was asked.


def docker_stop(ctx: Context) -> None:
    """Stop dockerd and, where live-restore would keep them, its containers first."""
    ctx.outage_begins()
    daemon = ctx.ports.docker.daemon()
    if daemon.running and daemon.live_restore:
        stop_all(ctx)
    ctx.ports.service.stop(STOP_S)


def docker_start(ctx: Context, timeout_s: float = START_S) -> None:
    """Start dockerd and wait until it answers."""
    ctx.ports.service.start(timeout_s)
    ctx.ports.docker.wait_until_answering(timeout_s, _not_ended(ctx))


def _not_ended(ctx: Context) -> Callable[[], bool]:
    """Return what is True until the service has not run for ENDED_S seconds.

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


def may_have_started_new(ctx: Context, before: Before) -> bool:
    """True unless it is certain that dockerd never started with the new configuration."""
    pids = {saved.get("daemon_pid") for saved in ctx.memory.values() if "daemon_pid" in saved}
    pids.add(ctx.ports.docker.daemon().pid)
    return ctx.rebooted or ctx.begun("docker_start") or bool(pids - {None, before.daemon_pid})


def bring_back(ctx: Context, before: Before, edit: ConfigEdit, original: Json) -> None:
    """Make dockerd run on the old subnet; returns at once if it does.

    `edit` is what the job did to dockerd's configuration, `original` the file before it (see
    file_saved). The file may be left with an explicit old `bip`: the caller puts `original` back.
    Raises OperationFailed.
    """
    if _steadily_on(ctx, before):
        return
    for attempt in range(1, ATTEMPTS + 1):
        explicit = may_have_started_new(ctx, before)
        docker_stop(ctx)
        if explicit:
            old = edit.with_value(str(before.interface)).applied_to(file_bytes(original))
            mode = original["mode"] if isinstance(original, dict) else 0o644
            assert isinstance(mode, int)
            ctx.ports.config.write_back(edit.path, old, mode)
        else:
            file_put_back(ctx.ports, edit.path, original)
        set_addresses(ctx, before)
        docker_start(ctx)
        try:
            ctx.wait(lambda: docker_problems(ctx.ports, before.interface), RECORD_S)
            break
        except CheckFailed:
            # A container that outlived dockerd (live-restore) made it ignore the setting: the
            # next round stops it first.
            if attempt == ATTEMPTS:
                raise
    set_addresses(ctx, before)


def _steadily_on(ctx: Context, before: Before) -> bool:
    """True if dockerd is on the old subnet and stays: a stop that failed may still be under way."""
    if not docker_is_on(ctx, before):
        return False
    if ctx.begun("docker_stop") and not ctx.rebooted:
        ctx.clock.sleep(STEADY_S)
        return docker_is_on(ctx, before)
    return True


def set_addresses(ctx: Context, before: Before) -> None:
    """Give docker0 exactly the addresses and the state it had, if the link exists."""
    netlink = ctx.ports.netlink
    if BRIDGE not in {link.name for link in netlink.links()}:
        return
    found = [a.interface for a in netlink.addresses() if a.link == BRIDGE]
    for interface in found:
        if interface not in before.addresses:
            netlink.address_remove(BRIDGE, interface)
    for interface in before.addresses:
        if interface not in found:
            netlink.address_add(BRIDGE, interface)
    if kernel_problems(ctx.ports, before.addresses, must_be_up=before.bridge_up):
        netlink.link_set(BRIDGE, up=before.bridge_up)
