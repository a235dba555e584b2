"""A configuration file as the journal keeps it: bytes and mode, or that there was none."""

from __future__ import annotations

import base64

from netops.engine.errors import CheckFailed
from netops.engine.ports import HostPorts
from netops.engine.serial import Json


def file_saved(ports: HostPorts, path: str) -> Json:
    """Return a file's bytes and mode as JSON, None if it does not exist."""
    found = ports.config.read_bytes(path)
    if found is None:
        return None
    return {"base64": base64.b64encode(found[0]).decode(), "mode": found[1]}


def file_bytes(saved: Json) -> bytes | None:
    """Return the bytes in what `file_saved` returned."""
    return base64.b64decode(str(saved["base64"])) if isinstance(saved, dict) else None


def file_put_back(ports: HostPorts, path: str, saved: Json) -> None:
    """Make a file what it was: same bytes, same mode, or absent. Touches nothing needlessly."""
    if file_saved(ports, path) == saved:
        return
    content = file_bytes(saved)
    if content is None or not isinstance(saved, dict):
        ports.config.remove(path)
    else:
        mode = saved["mode"]
        assert isinstance(mode, int)
        ports.config.write_back(path, content, mode)
    if file_saved(ports, path) != saved:
        raise CheckFailed(f"{path} could not be put back to what it was.")
