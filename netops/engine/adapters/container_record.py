"""dockerd's own record of a container, for the one fact that the Engine API does not tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_RECORD = "config.v2.json"


def manually_stopped(inspected: Mapping[str, Any]) -> bool | None:
    """Return whether somebody stopped a container through Docker, None where it is not known.

    dockerd sets HasBeenManuallyStopped for `docker stop` and `docker kill`, not for its own
    shutdown, and clears it at each start (moby daemon/kill.go, container/container.go). It keeps
    the record beside the files that it mounts into the container.

    Args:
        inspected: an answer of GET /containers/ID/json.
    """
    shown = str(inspected.get("HostnamePath") or inspected.get("ResolvConfPath") or "")
    folder = Path(shown).parent
    if folder.name != inspected.get("Id"):
        return None  # It was never started, or is of a runtime that keeps no such file.
    try:
        found = json.loads((folder / _RECORD).read_bytes()).get("HasBeenManuallyStopped")
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, bool) else None
