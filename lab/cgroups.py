"""A cgroup of its own for each host, in every hierarchy of the machine (v1, hybrid or v2).

With a cgroup namespace on top, the host sees it as the root: what its dockerd or systemd makes
is below it, and goes with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from lab.command import LabError

_ROOT = Path("/sys/fs/cgroup")


def cgroups_create(name: str) -> list[Path]:
    """Make the cgroup `name` in each hierarchy; returns the folders."""
    made = []
    for parent in _parents():
        folder = parent / name
        folder.mkdir(exist_ok=True)
        # A v1 cpuset takes no process before it has CPUs and memory nodes of its own.
        for part in ("cpuset.cpus", "cpuset.mems"):
            if (parent / part).exists() and not is_v2(parent):
                (folder / part).write_text((parent / part).read_text())
                (folder / "cgroup.clone_children").write_text("1")
        made.append(folder)
    return made


def cgroups_remove(folders: list[Path], timeout: float = 5.0) -> None:
    """Kill what is left in the cgroups and remove them with all below.

    Raises:
        LabError: something in them did not die within `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    left = [folder for folder in folders if folder.exists()]
    while left:
        for folder in left:
            _remove_tree(folder)
        cgroups_thaw(left)
        left = [folder for folder in left if folder.exists()]
        if left and time.monotonic() > deadline:
            raise LabError(f"processes in {left[0]} do not die")
        if left:
            time.sleep(0.01)


def cgroups_thaw(folders: Sequence[Path]) -> None:
    """Let go what a v1 freezer holds, a paused container for instance.

    Not even SIGKILL ends a task that is frozen; one that has it waiting ends at once when thawed.
    """
    for folder in folders:
        for state in folder.rglob("freezer.state"):
            with contextlib.suppress(OSError):
                state.write_text("THAWED")


def cgroups_release(folders: list[Path], pid: int) -> None:
    """Take `pid` out of the v2 cgroup, whose own level must hold no process to hand down."""
    for folder in folders:
        if is_v2(folder):
            (folder.parent / "cgroup.procs").write_text(str(pid))


def require_cgroup2() -> None:
    """Raise a LabError that says how to mount the unified hierarchy, if this machine has none."""
    if not any(is_v2(folder) for folder in (_ROOT, _ROOT / "unified")):
        where = _ROOT / "unified"
        raise LabError(f"no cgroup v2 here: mkdir {where}; mount -t cgroup2 cgroup2 {where}")


def is_v2(folder: Path) -> bool:
    """Whether `folder` is of the unified hierarchy (cgroups(7))."""
    return (folder / "cgroup.controllers").exists()


def _remove_tree(folder: Path) -> None:
    for top, _, _ in os.walk(folder, topdown=False):
        try:
            for pid in (Path(top) / "cgroup.procs").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
            Path(top).rmdir()
        except OSError:
            continue  # Not dead yet, or gone meanwhile: the caller comes back.


def _parents() -> list[Path]:
    """Where a new cgroup belongs: below our own (v1), or at the root (v2).

    On v2 a cgroup that holds processes cannot hand controllers down, and ours holds at least us.
    """
    found = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            unified = _ROOT if is_v2(_ROOT) else _ROOT / "unified"
            if is_v2(unified):
                _hand_down(unified)
                found.append(unified)
            continue
        folder = _ROOT / controllers.removeprefix("name=") / path.lstrip("/")
        if folder.is_dir():
            found.append(folder)
    return found


def _hand_down(folder: Path) -> None:
    """Let the children of a v2 cgroup have each controller that can be given."""
    for controller in (folder / "cgroup.controllers").read_text().split():
        try:
            (folder / "cgroup.subtree_control").write_text(f"+{controller}")
        except OSError:
            continue  # Bound to a v1 hierarchy or busy: the host goes without it.
