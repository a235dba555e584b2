"""Takes the agent off this host: service, program, configuration, journal."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from netops.agent.config import Place
from netops.agent.lock import job_lock_held
from netops.engine.errors import Refused

PROGRAM = Path("/opt/dockernet")
COMMAND = Path("/usr/local/sbin/dockernet-agent")
UNIT = Path("/etc/systemd/system/dockernet-agent.service")
SCRIPT = Path("/etc/init.d/dockernet-agent")
LOGS = (Path("/var/log/dockernet-agent.log"), Path("/var/log/dockernet-agent.log.1"))


def uninstall(place: Place, *, say: Callable[[str], None]) -> None:
    """Remove the agent and say what was done.

    Raises Refused without root, and while a job changes this host.
    """
    if os.geteuid() != 0:
        raise Refused("not-root", "Run this as root.")
    if job_lock_held(place.lock):
        raise Refused("busy", "A job is being carried out on this host: wait until it has ended.")
    _service_remove(say)
    kept = place.nat.exists()
    for folder in (PROGRAM, place.config.parent, place.state):
        if folder.exists():
            shutil.rmtree(folder)
            say(f"removed {folder}")
    for path in (COMMAND, *LOGS):
        path.unlink(missing_ok=True)
    say("The agent is gone. Docker and its networks were not touched.")
    if kept:
        say(
            "The NAT rules of Dockernet stay as they are until the next boot, and nobody puts them "
            "back. To take one away now: iptables -t nat -D POSTROUTING -m comment --comment "
            "dockernet -j DOCKERNET-POSTROUTING"
        )


def _service_remove(say: Callable[[str], None]) -> None:
    if UNIT.exists():
        _quietly("systemctl", "disable", "--now", "dockernet-agent.service")
        UNIT.unlink()
        _quietly("systemctl", "daemon-reload")
        _quietly("systemctl", "reset-failed", "dockernet-agent.service")
        say("stopped and removed the systemd unit dockernet-agent")
    if SCRIPT.exists():
        _quietly(str(SCRIPT), "stop")
        SCRIPT.unlink()
        if shutil.which("update-rc.d"):
            _quietly("update-rc.d", "dockernet-agent", "remove")
        else:
            _quietly("chkconfig", "--del", "dockernet-agent")
        say("stopped and removed the service script dockernet-agent")


def _quietly(*argv: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        subprocess.run(argv, check=False, capture_output=True, timeout=60)
