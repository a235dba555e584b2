"""A dockerd apart from its service, for the moment in which the service's flags keep it down."""

from __future__ import annotations

import ctypes
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from netops.engine.errors import OperationFailed

_SOCKET, _PIDFILE = "unix:///run/docker.sock", "/run/docker.pid"
_STOP_S = 120.0
_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None)


@contextmanager
def dockerd_apart(config_path: str) -> Iterator[Callable[[], bool]]:
    """Run dockerd with this daemon.json and no other flags until the block ends.

    Yields a check that is True while it runs. The service and its socket must be stopped. It is
    ended by SIGTERM, never by SIGKILL, which would leave its containers without their network; also
    when this process is killed: it would keep the pid file, and the service from starting.
    Raises OperationFailed when it cannot be started, or does not end.
    """
    argv = ["dockerd", "--config-file", config_path, "--host", _SOCKET, "--pidfile", _PIDFILE]
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0),
        )
    except OSError as error:
        raise OperationFailed(f"dockerd cannot be started: {error.strerror}.") from error
    try:
        yield lambda: process.poll() is None
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            text = f"dockerd (pid {process.pid}) has not ended {_STOP_S:g} s after SIGTERM."
            raise OperationFailed(text) from None
