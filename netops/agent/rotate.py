"""New keys for this host: written beside the old secret first, which goes when the site is heard
with the new one. At every moment what is on disk opens the broker and the site's messages."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from attrs import evolve

from netops.agent.config import AgentConfig, config_load, config_save
from netops.engine.errors import MessageRejected, Refused
from netops.keys import keys_unpack
from netops.wire import RotateKeys


def keys_take(path: Path, config: AgentConfig, request: RotateKeys) -> None:
    """Put the new keys of `request` into the configuration at `path`.

    Raises Refused when a rotation is not finished or the disk does not take it, MessageRejected
    for what are no keys; the configuration is as it was then.
    """
    if config.old_secret:
        raise Refused("busy", "This host has new keys already that the site has not answered to.")
    if not request.rotation_id or len(request.rotation_id) > 64:
        raise MessageRejected("malformed", "The rotation has no id.", "rotation_id")
    keys = keys_unpack(config.key, request)
    on_disk = config_load(path)
    fresh = evolve(
        on_disk,
        secret=keys.secret,
        old_secret=config.secret,
        rotation_id=request.rotation_id,
        broker_url=_with_password(config.broker_url, keys.password),
        broker_ca=_as_written(path, on_disk.broker_ca),
    )
    config_save(path, fresh)


def keys_drop_old(path: Path, config: AgentConfig) -> AgentConfig:
    """Forget the old secret: the site was heard with the new one. Returns what holds now."""
    fresh = evolve(config, old_secret="")
    config_save(path, evolve(fresh, broker_ca=_as_written(path, fresh.broker_ca)))
    return fresh


def _as_written(path: Path, ca: str) -> str:
    """Return the CA's file as agent.json has it: by its name alone where it lies beside it."""
    return Path(ca).name if ca and Path(ca).parent == path.parent else ca


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    _, _, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:{password}@{place}"))
