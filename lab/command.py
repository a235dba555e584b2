"""Running programs of this machine, out of reach of the terminal's signals."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from typing import Any

HOST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_PACKAGES = {
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "iptables": "iptables",
    "dockerd": "docker.io",
    "docker-init": "docker.io",
    "busybox": "busybox-static",
}


class LabError(RuntimeError):
    """The lab cannot do what was asked; the message says what to do."""


class LabProcess(subprocess.Popen):  # type: ignore[type-arg]
    """A process that leads its own session: signals reach it and all that it started."""

    def send_signal(self, sig: int) -> None:
        """Send `sig` to the whole process group; silent when it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, sig)


def start(argv: Sequence[str], **options: Any) -> LabProcess:
    """Start `argv` in a session of its own, so that Ctrl-C ends the lab in good order only."""
    return LabProcess(list(argv), start_new_session=True, **options)


def run(
    argv: Sequence[str],
    *,
    timeout: float = 60.0,
    check: bool = True,
    input: str | bytes | None = None,
    text: bool = True,
) -> subprocess.CompletedProcess:  # type: ignore[type-arg]
    """Run `argv` to its end.

    Args:
        timeout: seconds, after which the whole process group is killed.
        check: raise when it exits with anything but 0.
        input: fed to standard input; without it, standard input is empty.
        text: decode the output as UTF-8, with replacement.

    Raises:
        LabError: a non-zero exit (with `check`), with the program's own words.
        subprocess.TimeoutExpired: it took too long.
    """
    if isinstance(input, str):
        input = input.encode()
    source = subprocess.DEVNULL if input is None else subprocess.PIPE
    process = start(argv, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(input, timeout=timeout)
    except BaseException:
        process.send_signal(signal.SIGKILL)
        process.wait()
        raise
    if check and process.returncode:
        words = (err or out).decode(errors="replace").strip()
        raise LabError(f"{' '.join(argv)} ended with {process.returncode}: {words}")
    if text:
        out, err = out.decode(errors="replace"), err.decode(errors="replace")
    return subprocess.CompletedProcess(list(argv), process.returncode, out, err)


def require_programs() -> None:
    """Raise a LabError that names what is missing: root, or a program with its package."""
    if os.geteuid() != 0:
        raise LabError("the lab makes namespaces and needs root: run it with sudo")
    missing = {package for name, package in _PACKAGES.items() if not find(name)}
    if missing:
        raise LabError(f"missing programs: apt-get install {' '.join(sorted(missing))}")


def find(program: str) -> str | None:
    """The path of `program` as a host would find it, whatever PATH this process has."""
    return shutil.which(program, path=HOST_PATH)
