"""Letting the old range go while dockerd is down: its own store keeps the network that holds it.

dockerd does not start with the old subnet while that network is there, and only a dockerd that runs
can remove it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from netops.engine.config_back import file_forced_back, key_set
from netops.engine.config_edit import JSON, ConfigEdit
from netops.engine.context import Context
from netops.engine.daemon import START_S, docker_start
from netops.engine.errors import OperationFailed
from netops.engine.file_copy import file_bytes
from netops.engine.hold import range_release
from netops.engine.serial import Json, from_json

APART = "/run/dockernet-apart.json"
# Where dockerd has its data decides which store it reads; the flags of its unit may say it.
PLACES = ("data-root", "exec-root", "storage-driver")


def start_to_release(ctx: Context) -> None:
    """Start dockerd with whatever configuration it takes: as it is, new, or as it was.

    Others may have edited it, or its unit, so that it does not start. Where no configuration helps,
    a dockerd of our own removes the network and ends: Docker is down afterwards, and can start.
    """
    saved = ctx.memory.get("write_config")
    if saved is None:
        return
    edit, original = from_json(ConfigEdit, saved["edit"]), saved["original"]
    attempts: tuple[Callable[[], None], ...] = (
        lambda: None,
        lambda: key_set(ctx, edit, original),
        lambda: file_forced_back(ctx, edit, original),
    )
    for prepare in attempts:
        with suppress(OperationFailed):
            prepare()
            docker_start(ctx)
            return
    with suppress(OperationFailed):
        _release_apart(ctx, edit, original)


def _release_apart(ctx: Context, edit: ConfigEdit, original: Json) -> None:
    service, docker = ctx.ports.service, ctx.ports.docker
    service.stop(START_S)
    config = ctx.ports.config.observe(service.state())
    own = ConfigEdit(APART, JSON, edit.key, edit.value)
    content = own.applied_to(file_bytes(original) if edit.format == JSON else None)
    for key in PLACES:
        setting = config.get(key)
        if setting is not None:
            content = ConfigEdit(APART, JSON, key, str(setting.value)).applied_to(content)
    ctx.ports.config.write_back(APART, content, 0o600)
    try:
        with service.apart(APART) as runs:
            docker.wait_until_answering(START_S, runs)
            range_release(ctx.ports)
    finally:
        ctx.ports.config.remove(APART)
