"""Docker under systemd: docker.service with docker.socket, which would revive it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from netops.engine.adapters.command import run, run_ok
from netops.engine.adapters.dockerd_apart import dockerd_apart
from netops.engine.adapters.process import from_pidfile
from netops.engine.adapters.systemctl import ASK_S, show
from netops.engine.adapters.systemd_dependents import (
    dependents_down,
    dependents_failed,
    dependents_read,
    dependents_start,
)
from netops.engine.errors import OperationFailed
from netops.engine.observed import ServiceState

_SERVICE, _SOCKET = "docker.service", "docker.socket"
_PIDFILE, _PROGRAM = "/run/docker.pid", "dockerd"
_HINT = "Look with `journalctl -u docker -n 50`."


class SystemdService:
    """Docker's service on a host with systemd, as `ports.Service` asks for it."""

    manager = "systemd"

    def __init__(self) -> None:
        self._socket_was_active: bool | None = None

    def state(self) -> ServiceState:
        """Return what systemd says of docker.service; waiting for its next try is not active."""
        service = show(_SERVICE, "ActiveState", "SubState")
        socket_unit = show(_SOCKET, "LoadState").get("LoadState") == "loaded"
        active = service.get("ActiveState") in ("active", "reloading", "activating", "deactivating")
        return ServiceState(
            self.manager, active and service.get("SubState") != "auto-restart", socket_unit
        )

    def pid(self) -> int | None:
        """Return dockerd's pid, None when it does not run."""
        if process := from_pidfile(_PIDFILE, _PROGRAM):
            return process.pid
        return int(show(_SERVICE, "MainPID").get("MainPID") or 0) or None

    def stop(self, timeout_s: float) -> None:
        """Stop docker.service, and docker.socket with it; fine if neither runs.

        Raises OperationFailed after `timeout_s` seconds or when systemd says so.
        """
        units = [_SERVICE]
        socket = show(_SOCKET, "LoadState", "ActiveState")
        if socket.get("LoadState") == "loaded":
            self._socket_was_active = socket.get("ActiveState") == "active"
            units = [_SOCKET, _SERVICE]
        run_ok(["systemctl", "stop", *units], timeout_s, _HINT)

    def start(self, timeout_s: float) -> None:
        """Start docker.socket, if it was active or is enabled, and docker.service; wait for both.

        Forgets earlier failures first, which count towards StartLimitBurst. TimeoutStartSec is 0
        in Docker's unit: only `timeout_s` ends the wait. Raises OperationFailed.
        """
        units = [_SERVICE]
        if show(_SOCKET, "LoadState").get("LoadState") == "loaded":
            run(["systemctl", "reset-failed", _SERVICE, _SOCKET], ASK_S)
            if self._wants_socket():
                units = [_SOCKET, _SERVICE]
        else:
            run(["systemctl", "reset-failed", _SERVICE], ASK_S)
        run_ok(["systemctl", "start", *units], timeout_s, _HINT)

    def dependents(self) -> tuple[str, ...]:
        """Return the units that run and stop with Docker. Raises OperationFailed."""
        return dependents_read()

    def units_start(self, names: Sequence[str]) -> None:
        """Queue the start of those that are down, without waiting for them."""
        dependents_start(names)

    def units_down(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return those that neither run nor are being started. Raises OperationFailed."""
        return dependents_down(names)

    def units_failed(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return those that ended by a failure. Raises OperationFailed."""
        return dependents_failed(names)

    def apart(self, config_path: str) -> AbstractContextManager[Callable[[], bool]]:
        """Run dockerd by itself with this daemon.json until the block ends."""
        return dockerd_apart(config_path)

    def command(self, verb: str) -> str:
        """Return what a person types for status, start or stop."""
        units = "docker.socket docker.service" if verb in ("start", "stop") else "docker"
        return f"systemctl {verb} {units}"

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of dockerd's log, "" when there is none."""
        argv = ["journalctl", "-u", _SERVICE, "-n", str(lines), "--no-pager", "-o", "cat"]
        try:
            return run(argv, ASK_S, errors_too=False).output.rstrip()
        except OperationFailed:
            return ""

    def _wants_socket(self) -> bool:
        """Known from the stop; in another process (a rollback after a crash) from enablement."""
        if self._socket_was_active is not None:
            return self._socket_was_active
        return run(["systemctl", "is-enabled", _SOCKET], ASK_S).output.strip() == "enabled"
