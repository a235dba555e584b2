"""The containerd that dockerd runs as its own child where init gives it none (sysv hosts)."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from pathlib import Path

from attrs import frozen

from netops.engine.adapters.process import Process, find, terminate

_SHIM = "containerd-shim"  # the first 15 letters of each shim's name, as the kernel keeps them
_AGAIN_S = 0.005


@frozen
class _Containerd:
    """dockerd's own containerd and the file in which dockerd keeps its pid."""

    process: Process
    pidfile: Path


def dockerd_end(dockerd: Process, timeout_s: float) -> bool:
    """Send dockerd SIGTERM and wait at most `timeout_s` seconds; return whether it has ended.

    A stopping dockerd ends its own containerd last of all, when containers, networks and
    databases are closed; it sends SIGTERM, looks at once whether that has ended, which it never
    has, and sleeps for a whole second (moby libcontainerd/supervisor, remote_daemon*.go, 20.10 to
    29). Nothing is left to do then, so that it is told to end at once: from the fourth SIGTERM on
    it leaves without cleaning up (cmd/dockerd/trap). Never while a container runs, and never by
    SIGKILL.
    """
    own = _own_containerd(dockerd)
    if own is None:
        return terminate(dockerd, timeout_s)
    deadline = time.monotonic() + timeout_s
    with contextlib.ExitStack() as stack:
        try:
            daemon = _watch(stack, dockerd)
            child = _watch(stack, own.process)
        except OSError:
            return terminate(dockerd, timeout_s)
        _signal(daemon)
        if _wait([daemon, child], deadline) == child and not _shims():
            while _wait([daemon], min(deadline, time.monotonic() + _AGAIN_S)) is None:
                if time.monotonic() > deadline:
                    break
                _signal(daemon)
            _forget(own)
        return _wait([daemon], deadline) is not None


def _watch(stack: contextlib.ExitStack, process: Process) -> int:
    """Return a pidfd of that very process. Raises OSError when it has ended (pidfd_open(2))."""
    handle = os.pidfd_open(process.pid)
    stack.callback(os.close, handle)
    if not process.alive:  # The pid was used again before the pidfd was opened.
        raise ProcessLookupError(process.pid)
    return handle


def _signal(handle: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, signal.SIGTERM)


def _wait(handles: list[int], deadline: float) -> int | None:
    """Return the first of the pidfds whose process has ended, None if none has by `deadline`."""
    poll = select.poll()
    for handle in handles:
        poll.register(handle, select.POLLIN)
    ended = {handle for handle, _ in poll.poll(max(0.0, deadline - time.monotonic()) * 1000)}
    return next((handle for handle in handles if handle in ended), None)


def _forget(own: _Containerd) -> None:
    """Remove the pidfile that dockerd had no time for: its next start would believe it."""
    with contextlib.suppress(OSError, ValueError):
        if int(own.pidfile.read_text()) == own.process.pid and not own.process.alive:
            own.pidfile.unlink()


def _own_containerd(dockerd: Process) -> _Containerd | None:
    """Return dockerd's child containerd, None if it has none or its folder cannot be told."""
    for pid, name, parent in _processes():
        if name == "containerd" and parent == dockerd.pid and (process := find(pid)):
            words = process.arguments()
            if "--config" in words[:-1]:
                config = Path(words[words.index("--config") + 1])
                return _Containerd(process, config.with_name("containerd.pid"))
    return None


def _shims() -> bool:
    """Whether the shim of any container or plugin runs on the host."""
    return any(name == _SHIM for _, name, _ in _processes())


def _processes() -> list[tuple[int, str, int]]:
    """Return (pid, name, parent's pid) of every process (proc(5))."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # It ended since it was listed.
                head, _, tail = (folder / "stat").read_text(errors="replace").rpartition(")")
                found.append((int(folder.name), head.partition("(")[2], int(tail.split()[1])))
    return found
