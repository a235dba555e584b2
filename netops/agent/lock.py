"""One process at a time changes this host: flock(2) on a file, freed by the kernel at its end."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netops.engine.errors import Refused


@contextmanager
def job_lock(path: Path) -> Iterator[int]:
    """Hold the lock; gives its descriptor, with which children keep it held (flock(2)).

    Raises Refused("busy") when another process has it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused("busy", "Another job is being carried out on this host.") from error
        yield file.fileno()


def job_lock_held(path: Path) -> bool:
    """True while some process holds the lock."""
    try:
        with job_lock(path):
            return False
    except Refused:
        return True
