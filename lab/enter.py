"""A host from its first process and its cgroups alone: a program inside it, or its end."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

from lab.cgroups import cgroups_thaw, is_v2
from lab.command import HOST_PATH, LabError
from lab.process import ProcessId

# The clock and the kernel's modules are the machine's, not a host's. boot.sh has them too.
BOUNDING = "-sys_time,-sys_module"

# A daemon that the program starts must stand in the host's cgroups, or its dockerd finds itself
# outside of the tree that it sees.
_JOIN = 'while [ "$1" != -- ]; do echo 0 > "$1/cgroup.procs"; shift; done; shift; exec "$@"'


def enter_argv(pid1: int, cgroups: Sequence[Path], argv: Sequence[str]) -> list[str]:
    """`argv` in all namespaces of the host whose init is `pid1`, with a clean environment."""
    leaves = [
        str(folder / "init.scope")
        if is_v2(folder) and (folder / "init.scope").is_dir()
        else str(folder)
        for folder in cgroups
    ]
    return [
        "sh",
        "-c",
        _JOIN,
        "lab-enter",
        *leaves,
        "--",
        "nsenter",
        "-t",
        str(pid1),
        "-m",
        "-p",
        "-u",
        "-i",
        "-C",
        "-n",
        "--",
        "setpriv",
        "--bounding-set",
        BOUNDING,
        "env",
        "-i",
        f"PATH={HOST_PATH}",
        "HOME=/root",
        "LANG=C.UTF-8",
        "TERM=linux",
        *argv,
    ]


def host_kill(pid1: ProcessId, cgroups: Sequence[Path]) -> None:
    """Kill -9 a host's init and with it all below; what is frozen is let go to die.

    Raises:
        LabError: it does not die within 10 s.
    """
    pid1.signal(signal.SIGKILL)
    cgroups_thaw(cgroups)
    if not pid1.kill():
        raise LabError(f"process {pid1.pid} does not die")
