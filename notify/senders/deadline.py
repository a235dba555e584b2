"""An end for the whole try of a message, whatever the other side does.

A timeout of a socket is for one read: who sends one byte every few seconds is never late. So the
connection is cut from outside when the time of the whole try is over.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from typing import Any, Self

_Found = list[tuple[Any, ...]]


class Deadline:
    """For one `with`: ends the connection that it holds after so many seconds.

    What a reader had read until then may look like a whole answer: ask `over`.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._held: socket.socket | None = None

    @property
    def left_s(self) -> float:
        """The seconds that are left; never negative."""
        return max(0.0, self._end - time.monotonic())

    @property
    def over(self) -> bool:
        """True when there is no time left."""
        return self.left_s == 0.0

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._let_go()

    def hold(self, connection: socket.socket) -> None:
        """Cut this connection when the time is over; the one held before is let go.

        A descriptor of its own is kept: TLS takes the socket's away (`SSLSocket` detaches it).
        """
        with self._lock:
            self._let_go()
            self._held = socket.socket(fileno=os.dup(connection.fileno()))
        if self.over:
            self._cut()

    def _cut(self) -> None:
        with self._lock:
            if self._held is not None:
                with suppress(OSError):  # it may be gone by itself
                    self._held.shutdown(socket.SHUT_RDWR)

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


def addresses_of(host: str, port: int | None, *, within_s: float) -> _Found:
    """Return what `getaddrinfo` finds; raises OSError, also when that takes longer than so many
    seconds.

    The system's resolver cannot be stopped: a thread of its own waits for it, for as long as
    resolv.conf(5) lets it try. Tries follow one another, so there are few of these threads.
    """
    found: list[_Found | OSError] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:  # UnicodeError: what is no name at all
            found.append(error if isinstance(error, OSError) else OSError(str(error)))

    thread = threading.Thread(target=look_up, name="webhook-name", daemon=True)
    thread.start()
    thread.join(within_s)
    if not found:
        raise TimeoutError(host)
    if isinstance(found[0], OSError):
        raise found[0]
    return found[0]
