"""The flags that the running dockerd has, against those that its next start will have."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from attrs import frozen

from netops.engine.adapters.dockerd_flags import Setting, Word, read_flags
from netops.engine.adapters.process import Process
from netops.engine.pending import PendingFlag
from netops.engine.serial import Json

# The file that Dockernet edits, unless a flag says otherwise.
_FILE, _DAEMON_JSON = "config-file", "/etc/docker/daemon.json"
# What dockerd does without the flag (dockerd(8)): giving it says nothing new.
_DEFAULTS: dict[str, Json] = {
    _FILE: _DAEMON_JSON, "icc": True, "ip": "0.0.0.0", "ip-forward": True, "ip-masq": True,  # noqa: S104
    "iptables": True, "userland-proxy": True,
}  # fmt: skip


@frozen
class RunningFlags:
    """The running dockerd's flags by their keys in daemon.json, None where they cannot be read.

    `wrapper` is the program that the init starts, where that is not dockerd's own.
    """

    values: dict[str, Json] | None = None
    wrapper: str = ""

    def pending(
        self, flags: Sequence[Setting], in_file: Collection[str], network: Sequence[str]
    ) -> tuple[PendingFlag, ...]:
        """Return which of the `network` keys (and of config-file) the next start will change.

        `flags` are those of the next start by the files, `in_file` the keys of daemon.json: what a
        wrapper gives beside one of these keeps dockerd from starting.
        """
        if self.values is None:
            return ()
        next_ones = {setting.key: setting for setting in flags}
        hidden = self.values.keys() & in_file if self.wrapper else set()
        found = []
        for key in dict.fromkeys((*network, _FILE, *sorted(hidden))):
            there = next_ones.get(key)
            now, then = self.values.get(key), there.value if there else None
            unlike = _effective(key, now) != _effective(key, then)
            if unlike or (key in hidden and there is None):
                found.append(PendingFlag(key, now, then, there.path if there else ""))
        return tuple(found)


def running_flags(process: Process | None, program: str, script: str = "") -> RunningFlags:
    """Return the flags of dockerd's process.

    `program` is what the init starts, "" where that is not known; `script` the file that starts it
    in a way that Dockernet does not understand.
    """
    exe = process.exe if process else ""
    arguments = process.arguments() if process else ()
    if not program or not arguments or "dockerd" not in Path(exe).name:
        return RunningFlags()
    words = [Word(text, "command line", "") for text in arguments[1:]]
    values = {setting.key: setting.value for setting in read_flags(words)}
    return RunningFlags(values, script or ("" if _same_program(program, exe) else program))


def _same_program(program: str, exe: str) -> bool:
    if "/" not in program:  # systemd looks it up itself
        return program == Path(exe).name
    return str(Path(program).resolve()) == exe


def _effective(key: str, value: Json) -> Json:
    return None if value in ("", [], _DEFAULTS.get(key)) else value
