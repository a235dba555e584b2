"""Threads that live as long as the site's worker, and do one thing every few seconds."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from celery import bootsteps


class ThreadStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """A step of Celery's worker; what it does is `once`, which must not raise."""

    thread_name: ClassVar[str]
    every_s: ClassVar[float]
    threads: ClassVar[int] = 1
    """More than one: `once` must be safe in several at once."""

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._stopping = threading.Event()

    def start(self, worker: Any) -> None:
        """Begin."""
        for number in range(self.threads):
            name = f"{self.thread_name}-{number}" if number else self.thread_name
            threading.Thread(target=self._run, name=name, daemon=True).start()

    def stop(self, worker: Any) -> None:
        """Begin nothing more."""
        self._stopping.set()

    terminate = stop

    def _run(self) -> None:
        while not self._stopping.wait(self.every_s):
            self.once()

    def once(self) -> None:
        """Do it once. Models can be imported only here, once the worker has set Django up."""
        raise NotImplementedError
