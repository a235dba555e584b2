"""Ending in good order: SIGTERM is heard as Ctrl-C, and a clean-up is not interrupted."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def sigterm_raises() -> Iterator[None]:
    """Within, SIGTERM raises KeyboardInterrupt in the main thread, so that `finally` blocks run.

    Not SystemExit, which a test runner takes for one more failed test. SIGINT is heard too where it
    was ignored, as a shell has it for what a script starts with "&": else nothing would take the
    hosts down. Leaves alone a handler that somebody else has set, and does nothing outside the main
    thread.
    """
    deaf_to = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.SIG_IGN}
    if not _in_main_thread():
        yield
        return
    taken = [sig for sig, handler in deaf_to.items() if signal.getsignal(sig) == handler]
    for sig in taken:
        signal.signal(sig, _exit)
    try:
        yield
    finally:
        for sig in taken:
            signal.signal(sig, deaf_to[sig])


@contextlib.contextmanager
def deaf() -> Iterator[None]:
    """Within, neither Ctrl-C nor SIGTERM is heard."""
    if not _in_main_thread():
        yield
        return
    before = {sig: signal.signal(sig, signal.SIG_IGN) for sig in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _exit(sig: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
