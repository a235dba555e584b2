"""The NAT settings of this host in /var/lib/dockernet/nat.json."""

from __future__ import annotations

import json
from pathlib import Path

from netops.engine.adapters.files import file_read, file_remove, file_replace
from netops.engine.errors import MessageRejected, OperationFailed, SpecInvalid
from netops.engine.nat.own import own_rules
from netops.engine.nat_setting import NatState
from netops.engine.serial import from_json, to_json

PATH = "/var/lib/dockernet/nat.json"


class NatFile:
    """Reads and replaces the settings, for `ports.NatSettings`; no file means no setting."""

    def __init__(self, path: str = PATH) -> None:
        self._path = path

    def read(self) -> NatState:
        """Return the settings. Raises OperationFailed for a file that is damaged."""
        found = file_read(self._path)
        if found is None:
            return NatState()
        try:
            state = from_json(NatState, json.loads(found[0]))
            own_rules(state.settings)  # Checked here, so that it can be relied on everywhere.
        except (ValueError, MessageRejected, SpecInvalid) as error:
            hint = f"Move it away, then set the rules anew: mv {self._path} {self._path}.damaged"
            raise OperationFailed(f"{self._path} cannot be read: {error}", hint) from error
        return state

    def write(self, state: NatState) -> None:
        """Replace the settings; without any the file goes too. On the disk when this returns."""
        if state == NatState():
            file_remove(self._path)
            return
        Path(self._path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = json.dumps(to_json(state), indent=1, sort_keys=True) + "\n"
        file_replace(self._path, text.encode(), 0o600)
