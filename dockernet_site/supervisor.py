"""Keeps the processes of the site running: a child that dies is started again, not for ever."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable
from types import FrameType

from attrs import define, field

RESTARTS, WITHIN_S = 5, 60.0
_STOP_S = 6.0
_BROKER_STOP_S = 2.5

Say = Callable[[str], None]


@define
class Child:
    """A process with a name, how to start it, and when it was started lately."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    last: bool = False
    process: subprocess.Popen[bytes] | None = None
    starts: deque[float] = field(factory=lambda: deque(maxlen=RESTARTS))

    def begin(self) -> None:
        """Start it and remember when."""
        self.starts.append(time.monotonic())
        self.process = self.start()

    @property
    def too_often(self) -> bool:
        """True when it was started RESTARTS times within WITHIN_S seconds."""
        return len(self.starts) == RESTARTS and time.monotonic() - self.starts[0] < WITHIN_S


class Supervisor:
    """Runs children until a signal comes or one of them cannot be kept alive."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._children: list[Child] = []
        self._stopping = False

    def catch_signals(self) -> None:
        """SIGTERM and SIGINT end `run`; from now on no handler of the interpreter's own."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    @property
    def stopping(self) -> bool:
        """True once a signal came."""
        return self._stopping

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def add(self, child: Child) -> None:
        """Start a child and keep it running; `last` ones are stopped after all others."""
        child.begin()
        self._children.append(child)

    def run(self) -> int:
        """Watch the children; return 0 after a signal, 1 when one of them dies again and again."""
        while not self._stopping:
            for child in self._children:
                ended = child.process is not None and child.process.poll() is not None
                if ended and not self._revive(child):
                    return 1
            time.sleep(0.1)
        return 0

    def _revive(self, child: Child) -> bool:
        code = child.process.returncode if child.process else 0
        if child.too_often:
            self._say(f"{child.name} ended {RESTARTS} times within a minute (status {code}).")
            return False
        self._say(f"{child.name} ended with status {code}; starting it again.")
        try:
            child.begin()
        except Exception as error:  # whatever it was, the others must be stopped in order
            self._say(f"{child.name}: {error}")
            return False
        return True

    def stop(self) -> None:
        """End all children: SIGTERM, after some seconds SIGKILL; the broker goes last."""
        for last, seconds in ((False, _STOP_S), (True, _BROKER_STOP_S)):
            group = [c.process for c in self._children if c.last is last and c.process]
            for process in group:
                process.terminate()
            deadline = time.monotonic() + seconds
            for process in group:
                try:
                    process.wait(max(0.0, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
