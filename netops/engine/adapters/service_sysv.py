"""Docker under sysv init: /etc/init.d/docker, as Debian's docker.io and docker-ce ship it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from netops.engine.adapters.command import run_ok
from netops.engine.adapters.dockerd_apart import dockerd_apart
from netops.engine.adapters.own_containerd import dockerd_end
from netops.engine.adapters.process import Process, from_pidfile
from netops.engine.adapters.sysv_script import SysvScript, sysv_script
from netops.engine.errors import OperationFailed
from netops.engine.observed import ServiceState


class SysvService:
    """Docker's service on a host with sysv init, as `ports.Service` asks for it."""

    manager = "sysv"

    def state(self) -> ServiceState:
        """Return what `service docker status` says, without the 30 ms of running it."""
        return ServiceState(self.manager, active=self._process(sysv_script()) is not None)

    def pid(self) -> int | None:
        """Return dockerd's pid, whoever started it; None when it does not run."""
        script = sysv_script()
        process = self._process(script) or from_pidfile(script.pidfile, script.program)
        return process.pid if process else None

    def stop(self, timeout_s: float) -> None:
        """Stop dockerd and return as soon as it has ended; fine if it does not run.

        `service docker stop` looks only once a second whether dockerd has ended. This sends the
        same SIGTERM to the same process (start-stop-daemon(8)) and waits for its very end, but
        never kills it: with SIGKILL its containers would be left without their network.
        Raises OperationFailed after `timeout_s`, or when dockerd is not the init script's own.
        """
        script = sysv_script()
        process = self._process(script)
        if process and not dockerd_end(process, timeout_s):
            raise OperationFailed(
                f"dockerd (pid {process.pid}) has not ended {timeout_s:g} s after SIGTERM.",
                "Look into /var/log/docker.log; it was not killed.",
            )
        if stray := from_pidfile(script.pidfile, script.program):
            raise OperationFailed(
                f"dockerd runs as pid {stray.pid}, but /etc/init.d/docker did not start it.",
                "Stop it the way it was started, then start it with `service docker start`.",
            )
        for path in (script.ssd_pidfile, script.pidfile):
            with contextlib.suppress(FileNotFoundError):
                Path(path).unlink()

    def start(self, timeout_s: float) -> None:
        """Run `service docker start`, which returns before dockerd has started anything.

        `DockerApi.wait_until_answering` waits for the rest. Raises OperationFailed.
        """
        run_ok([*_launcher(), "start"], timeout_s, "Look into /var/log/docker.log.")

    def dependents(self) -> tuple[str, ...]:
        """Return nothing: sysv init stops nobody else with Docker."""
        return ()

    def units_start(self, names: Sequence[str]) -> None:
        """Do nothing: there are no units."""

    def units_down(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return nothing: there are no units."""
        return ()

    def units_failed(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return nothing: there are no units."""
        return ()

    def apart(self, config_path: str) -> AbstractContextManager[Callable[[], bool]]:
        """Run dockerd by itself with this daemon.json until the block ends."""
        return dockerd_apart(config_path)

    def command(self, verb: str) -> str:
        """Return what a person types for status, start or stop."""
        return f"service docker {verb}"

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of dockerd's log, "" when there is none."""
        try:
            with Path(sysv_script().logfile).open("rb") as log:
                log.seek(0, 2)
                log.seek(max(0, log.tell() - 400 * lines))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def _process(self, script: SysvScript) -> Process | None:
        return from_pidfile(script.ssd_pidfile, script.program)


def _launcher() -> list[str]:
    # service(8) empties the environment; the script alone would inherit ours.
    for path in ("/usr/sbin/service", "/sbin/service"):
        if Path(path).exists():
            return [path, "docker"]
    return ["/etc/init.d/docker"]
