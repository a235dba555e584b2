"""dockerd's settings on disk: daemon.json, and the flags that its init gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import frozen

from netops.engine.adapters.command import run
from netops.engine.adapters.dockerd_flags import Setting, Word, read_flags
from netops.engine.adapters.files import (
    file_read,
    file_remove,
    file_replace,
    file_replace_or_overwrite,
)
from netops.engine.adapters.process import find
from netops.engine.adapters.running_flags import running_flags
from netops.engine.adapters.systemd_unit import read_environment_file, unit_command
from netops.engine.adapters.sysv_script import SCRIPT, sysv_script
from netops.engine.config_text import read_json_object
from netops.engine.errors import OperationFailed
from netops.engine.observed import ConfigValue, DaemonConfig, ServiceState
from netops.engine.pending import PendingFlag
from netops.engine.serial import Json

DAEMON_JSON = "/etc/docker/daemon.json"
UNIT = "docker.service"
DEFAULTS = "/etc/default/docker"
_NETWORK = (
    "bip", "fixed-cidr", "default-gateway", "bridge", "default-address-pools", "mtu", "iptables",
    "ip-forward", "ip-masq", "icc", "ip", "userland-proxy",
)  # fmt: skip
# dockerd merges these instead of refusing them (moby daemon/config/config.go).
_MERGED = frozenset({"runtimes"})
_VALIDATE_S = 20.0


class DockerConfig:
    """dockerd's configuration, as `ports.ConfigFiles` asks for it.

    Args:
        find_pid: returns dockerd's pid, None when it does not run.
    """

    def __init__(self, find_pid: Callable[[], int | None]) -> None:
        self._find_pid = find_pid

    def observe(self, service: ServiceState) -> DaemonConfig:
        """Return the settings that dockerd's next start will read. Never raises: see `error`."""
        try:
            launch = _launch(service.manager)
        except OperationFailed as error:
            launch = _Launch(notes=(error.message,))
        flags = read_flags(launch.words)
        path = next((str(s.value) for s in flags if s.key == "config-file"), DAEMON_JSON)
        content, keys, error_text = _read_json(path)
        pid = self._find_pid()
        running = running_flags(find(pid) if pid else None, launch.program, launch.script)
        pending = running.pending(flags, keys.keys() - _MERGED, _NETWORK)
        return DaemonConfig(
            path=path,
            content=content,
            values=_values(keys, path, flags),
            error=error_text,
            conflicts=tuple(s.key for s in flags if s.key in keys and s.key not in _MERGED),
            flags_path=_flags_path(flags),
            notes=(*launch.notes, *_pending_notes(pending)),
            pending=pending,
            wrapper=running.wrapper,
            reload_needed=launch.reload_needed,
        )

    def read_bytes(self, path: str) -> tuple[bytes, int] | None:
        """Return content and mode bits of a file, None if it does not exist."""
        return file_read(path)

    def write_bytes(self, path: str, content: bytes, mode: int) -> None:
        """Replace a file atomically. Raises OperationFailed."""
        file_replace(path, content, mode)

    def write_back(self, path: str, content: bytes, mode: int) -> None:
        """Replace a file on the way back, in place if the disk is full. Raises OperationFailed."""
        file_replace_or_overwrite(path, content, mode)

    def remove(self, path: str) -> None:
        """Remove a file; fine if there is none. Raises OperationFailed."""
        file_remove(path)

    def validate(self, path: str) -> str:
        """Return what `dockerd --validate` (23.0 and newer) has against a daemon.json, "" if none.

        It checks JSON, keys and conflicts with flags, not whether the network settings can work.
        """
        try:
            result = run(["dockerd", "--validate", "--config-file", path], _VALIDATE_S)
        except OperationFailed as error:
            return error.message
        if result.status == 0 or "unknown flag: --validate" in result.output:
            return ""
        return result.output.strip()


@frozen
class _Launch:
    """How the init starts dockerd: its program ("": not known) and its words, and sentences about
    them. `script` is the file that starts it where Dockernet does not understand that file.
    """

    program: str = ""
    words: tuple[Word, ...] = ()
    notes: tuple[str, ...] = ()
    reload_needed: bool = False
    script: str = ""


def _launch(manager: str) -> _Launch:
    """Return how dockerd will be started next. Raises OperationFailed."""
    if manager == "systemd":
        command, notes = unit_command(UNIT), []
        if command.reload_needed:
            notes.append(
                f"The files of {UNIT} have changed since systemd read them: "
                "`systemctl daemon-reload`."
            )
        unused = not any(word.path == DEFAULTS for word in command.words)
        if unused and read_environment_file(DEFAULTS).get("DOCKER_OPTS"):
            notes.append(f"{DEFAULTS} sets DOCKER_OPTS, which docker.service does not use.")
        return _Launch(command.program, command.words, tuple(notes), command.reload_needed)
    script = sysv_script()
    own = [Word(text, "unit", SCRIPT) for text in script.own_flags]
    opts = [Word(text, "DOCKER_OPTS", script.settings) for text in script.docker_opts]
    if script.error:
        return _Launch(words=(*own, *opts), notes=(script.error,))
    # Every script of Debian's and Docker's own packages gives dockerd at least its pidfile.
    return _Launch(script.dockerd, (*own, *opts), script="" if own else SCRIPT)


def _read_json(path: str) -> tuple[str | None, dict[str, Json], str]:
    """Return the text of daemon.json, its keys, and why it cannot be read ("": it can)."""
    try:
        found = file_read(path)
    except OperationFailed as error:
        return None, {}, error.message
    if found is None:
        return None, {}, ""
    try:
        text = found[0].decode()
    except UnicodeDecodeError:
        return found[0].decode(errors="replace"), {}, "The file is not UTF-8."
    try:
        return text, read_json_object(text), ""
    except ValueError as error:
        return text, {}, str(error)


def _values(keys: dict[str, Json], path: str, flags: Sequence[Setting]) -> tuple[ConfigValue, ...]:
    found = [ConfigValue(key, value, "daemon.json", path) for key, value in keys.items()]
    found += [ConfigValue(s.key, s.value, s.origin, s.path) for s in flags]
    return tuple(sorted(found, key=lambda v: (v.key, v.origin)))


def _flags_path(flags: Sequence[Setting]) -> str:
    paths = {setting.key: setting.path for setting in flags}
    return next((paths[key] for key in _NETWORK if key in paths), "")


def _pending_notes(pending: Sequence[PendingFlag]) -> list[str]:
    """Say which flags the running dockerd was started with other than the next will be."""
    changed = [f"--{flag.key}" for flag in pending]
    if not changed:
        return []
    return [f"dockerd runs with another {', '.join(changed)} than its next start will have."]
