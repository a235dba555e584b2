"""Processes by pid and start time, so that a pid used again is never taken for the old one."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from pathlib import Path

from attrs import frozen


@frozen
class Process:
    """One process; `started` is field 22 of /proc/PID/stat in ticks since boot (proc(5))."""

    pid: int
    started: int

    @property
    def exe(self) -> str:
        """Path of its program, "" when it is gone; without the mark of a replaced file."""
        try:
            return str(Path(f"/proc/{self.pid}/exe").readlink()).removesuffix(" (deleted)")
        except OSError:
            return ""

    @property
    def alive(self) -> bool:
        """True while this very process runs (a zombie does not)."""
        return find(self.pid) == self

    def arguments(self) -> tuple[str, ...]:
        """Return its command line, empty when it is gone."""
        try:
            raw = Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return ()
        return tuple(part.decode(errors="replace") for part in raw.split(b"\0")[:-1])

    def environment(self) -> dict[str, str]:
        """Return the environment that it was started with, empty when it is gone."""
        try:
            raw = Path(f"/proc/{self.pid}/environ").read_bytes()
        except OSError:
            return {}
        pairs = (part.decode(errors="replace").partition("=") for part in raw.split(b"\0") if part)
        return {name: value for name, _, value in pairs}


def find(pid: int) -> Process | None:
    """Return the process that has `pid` now, None when there is none or only its zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold blanks
    return None if fields[0] in ("Z", "X") else Process(pid, int(fields[19]))


def from_pidfile(path: str, program: str) -> Process | None:
    """Return the live process that a pidfile names, None if its program is not `program` (a name).

    A pidfile left by a power loss names whatever has that pid today.
    """
    try:
        pid = int(Path(path).read_text(errors="replace").strip() or "0")
    except (OSError, ValueError):
        return None
    process = find(pid) if pid > 0 else None
    return process if process and Path(process.exe).name == program else None


def terminate(process: Process, timeout_s: float) -> bool:
    """Send SIGTERM and wait at most `timeout_s` seconds; return whether it has ended.

    Never escalates to SIGKILL. The pidfd (pidfd_open(2), Linux 5.3) makes the signal hit this
    process alone and the wait end with it, not at the next look.
    """
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    except OSError:
        return _terminate_by_pid(process, timeout_s)
    try:
        if not process.alive:  # The pid was used again before the pidfd was opened.
            return True
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGTERM)
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(timeout_s * 1000))
    finally:
        os.close(handle)


def _terminate_by_pid(process: Process, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    with contextlib.suppress(ProcessLookupError):
        if process.alive:
            os.kill(process.pid, signal.SIGTERM)
    while process.alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
