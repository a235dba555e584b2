"""Whose turn it is: in one process each person's receiver is talked to by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from notify.models import Delivery


class Turns:
    """Shared by threads: a receiver that lets us wait does not take them all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._served: set[tuple[str, int]] = set()

    @contextmanager
    def next(
        self, channel: str, find: Callable[[set[int]], Delivery | None]
    ) -> Iterator[Delivery | None]:
        """For one `with`: what `find` returns, its person served by this thread alone. `find` gets
        the numbers of the people whom others serve."""
        with self._lock:
            found = find({user for way, user in self._served if way == channel})
            if found is None:
                turn = None
            else:
                turn = (channel, found.user_id)
                self._served.add(turn)
        try:
            yield found
        finally:
            if turn is not None:
                with self._lock:
                    self._served.discard(turn)
