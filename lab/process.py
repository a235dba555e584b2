"""Processes by pid and start time, so that a pid used again is never mistaken for the old one."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessId:
    """One process of this boot of the machine: `started` is field 22 of /proc/PID/stat, ticks."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """The process that has `pid` now; None when there is none, or only its zombie."""
        fields = _stat(pid)
        if fields is None or fields[0] in ("Z", "X"):
            return None
        return cls(pid, int(fields[19]))

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return ProcessId.of(self.pid) == self

    def signal(self, sig: int) -> None:
        """Send it a signal, if it is still there."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def kill(self, timeout: float = 10.0) -> bool:
        """Kill -9 it and wait `timeout` seconds for its end; whether it has ended."""
        deadline = time.monotonic() + timeout
        self.signal(signal.SIGKILL)
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True


def children(pid: int) -> list[int]:
    """The pids of the children of `pid`'s main thread (proc(5), /proc/PID/task/TID/children)."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def processes_naming(folder: Path) -> list[ProcessId]:
    """The processes, this one aside, whose environment names `folder`: those of its run."""
    wanted, found = bytes(folder), []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            named = wanted in (entry / "environ").read_bytes()
        except OSError:
            continue
        process = ProcessId.of(int(entry.name))
        if named and process is not None and process.pid != os.getpid():
            found.append(process)
    return found


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state (field 3) on; the name may hold blanks."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()
