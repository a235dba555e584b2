"""Threads of their own: for what may not run in an event loop, or lives in another namespace."""

from __future__ import annotations

import asyncio
import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from netops.engine.errors import OperationFailed

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000  # linux/sched.h


def in_own_thread(work: Callable[[], T]) -> T:
    """Run `work` in a thread that ends with it; return its result or raise its error."""
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="dockernet-own", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


def off_loop(work: Callable[[], T]) -> T:
    """Run `work` here, or in a thread of its own where this one runs an event loop.

    pyroute2's sync classes run a loop of their own, which asyncio forbids inside another.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    return in_own_thread(work)


def namespace_enter(pid: int) -> None:
    """Move the calling thread, for good, to the network namespace of process `pid`.

    Only for a thread that ends soon afterwards (see in_own_thread). Python has os.setns from 3.12
    on only. Raises OSError: no such process, or not permitted (setns(2)).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(handle, _CLONE_NEWNET) != 0:
            code = ctypes.get_errno()
            raise OSError(code, f"setns to the network namespace of {pid}: {os.strerror(code)}")
    finally:
        os.close(handle)


def namespace_new() -> None:
    """Move the calling thread, for good, to a network namespace of its own (unshare(2)).

    Only for a thread that ends soon afterwards (see in_own_thread): the namespace ends with it.
    Raises OperationFailed: not permitted, or no more namespaces.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        raise OperationFailed(f"No network namespace: {os.strerror(ctypes.get_errno())}.")


def in_namespace(pid: int, work: Callable[[], T]) -> T:
    """Run `work` inside the network namespace of process `pid`; the caller stays where it is."""

    def run() -> T:
        namespace_enter(pid)
        return work()

    return in_own_thread(run)


def namespace_id(pid: int | str) -> str:
    """Return the identity of a process's network namespace, "" when the process is gone."""
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return ""
