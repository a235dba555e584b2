"""Brings dockerd back to the old subnet, from any half-done state, also after a crash or a reboot.

dockerd keeps its default network in a database of its own. Once it has started with a new `bip`,
taking the key out again changes nothing: it adopts the address that docker0 has. So the old subnet
is written as an explicit `bip` for one start; only then is the file what it was. At the next start
the old file and the stored network agree (measured: tests/root/test_subnet_rollback.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from netops.engine.before import BRIDGE, Before
from netops.engine.config_back import file_forced_back, key_put_back, key_set
from netops.engine.config_edit import ConfigEdit
from netops.engine.context import Context
from netops.engine.daemon import docker_start, docker_stop
from netops.engine.errors import OldStateLost, OperationFailed
from netops.engine.hold import range_release, range_takers
from netops.engine.release import start_to_release
from netops.engine.running import running_note
from netops.engine.serial import Json
from netops.engine.verify import docker_problems, kernel_problems

RECORD_S, STEADY_S = 10.0, 0.5
RELEASED = "released"


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


def may_have_started_new(ctx: Context, before: Before) -> bool:
    """True unless it is certain that dockerd never started with the new configuration."""
    pids = {saved.get("daemon_pid") for saved in ctx.memory.values() if "daemon_pid" in saved}
    pids.add(ctx.ports.docker.daemon().pid)
    return ctx.rebooted or ctx.begun("docker_start") or bool(pids - {None, before.daemon_pid})


def restore_docker(ctx: Context, before: Before, edit: ConfigEdit, original: Json) -> None:
    """Make dockerd run on the old subnet; returns at once if it does.

    `edit` is what the job did to dockerd's configuration, `original` the file before it (see
    file_saved). The file may be left with an explicit old `bip`: the caller puts the key back.
    Raises OldStateLost, with Docker still running, when others have the old range by now;
    OperationFailed when dockerd does not come up with it.
    """
    if _steadily_on(ctx, before):
        return
    failure: OperationFailed | None = None
    for prepare in _attempts(ctx, before, edit, original):
        docker_leave(ctx, before)
        try:
            prepare()
            set_addresses(ctx, before)
            docker_start(ctx)
            ctx.wait(lambda: docker_problems(ctx.ports, before.interface), RECORD_S)
        except OperationFailed as error:
            # A flag that stands elsewhere may conflict with an explicit bip: the next attempt has
            # the file as it was.
            failure = error
            continue
        set_addresses(ctx, before)
        return
    assert failure is not None
    if ctx.ports.docker.daemon().running:
        raise failure
    raise OldStateLost(f"Docker does not start with {before.interface} any more: {failure.message}")


def docker_leave(ctx: Context, before: Before) -> None:
    """Stop Docker on its way back to the old subnet, after a last look at what runs.

    Raises OldStateLost, with Docker still running, when others have the old range by now.
    """
    _release(ctx, before)
    with suppress(OSError):  # A full disk: the last look holds.
        running_note(ctx)
    docker_stop(ctx)


def _attempts(
    ctx: Context, before: Before, edit: ConfigEdit, original: Json
) -> Iterator[Callable[[], None]]:
    """Yield what to do to the configuration before each start, the likeliest to work first."""
    old = edit.with_value(str(before.interface))
    if may_have_started_new(ctx, before):
        yield lambda: key_set(ctx, old, original)
        if ctx.ports.docker.daemon().running:
            # Live-restore kept a container, and dockerd ignored the setting: now it is stopped too.
            yield lambda: key_set(ctx, old, original)
    else:
        yield lambda: _put_back(ctx, edit, original, before)
    yield lambda: file_forced_back(ctx, edit, original, old.value)


def _put_back(ctx: Context, edit: ConfigEdit, original: Json, before: Before) -> None:
    key_put_back(ctx, edit, original, str(before.interface))


def _release(ctx: Context, before: Before) -> None:
    """Let go of the old range at the last moment, and see that nobody else has it.

    A network that holds it stands in dockerd's own store: with dockerd down it has to be started
    once to forget it.
    """
    held = ctx.begun("hold_range") and RELEASED not in ctx.memory
    if held and not ctx.ports.docker.daemon().running:
        start_to_release(ctx)
    if not ctx.ports.docker.daemon().running:
        return
    try:
        takers = range_takers(ctx.ports, before.interface.network)
        stayed = [] if takers else range_release(ctx.ports)
        takers = takers or range_takers(ctx.ports, before.interface.network)
    except OperationFailed:
        return  # It may answer again after its stop; dockerd itself refuses a range that is taken.
    names = [n.name for n in takers] + stayed
    if names:
        raise OldStateLost(lost_text(before, names), f"docker network rm {' '.join(names)}")
    ctx.keep(RELEASED, {})


def lost_text(before: Before, names: list[str]) -> str:
    """Return the sentence that says why the old subnet cannot come back."""
    old = before.interface.network
    if len(names) == 1:
        return f"Docker's network {names[0]} has addresses of {old} by now."
    return f"Docker's networks {', '.join(names)} have addresses of {old} by now."


def old_range_look(ctx: Context, before: Before) -> None:
    """Raise OldStateLost if others have the old range by now; touches nothing."""
    if docker_is_on(ctx, before) or not ctx.ports.docker.daemon().running:
        return
    names = [n.name for n in range_takers(ctx.ports, before.interface.network)]
    if names:
        raise OldStateLost(lost_text(before, names), f"docker network rm {' '.join(names)}")


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
