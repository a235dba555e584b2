"""Plays the rounds of a session, several hosts at a time: most of the time is waiting."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress

from lab.command import LabError
from tests.faults.hosts.cases import INITS
from tests.faults.hosts.lanes import MINUTES, NoTime
from tests.faults.hosts.rounds.drawing import Round
from tests.faults.hosts.rounds.ground import Ground, ground_new
from tests.faults.hosts.rounds.play import Played, play
from tests.faults.hosts.stage import Stage

# As many hosts at a time, of each init, as two cores carry.
HOSTS_AT_ONCE = 2


class RoundLanes:
    """Starts to work at once; `results[round]` is the future of its Played.

    Each host takes the rounds of its init one after the other: that it takes the next one is part
    of the proof. One on which a round failed is removed, and a fresh one goes on.
    """

    def __init__(self, stage: Stage, rounds: Sequence[Round]) -> None:
        self.results: dict[Round, Future[Played]] = {one: Future() for one in rounds}
        self._stage = stage
        self._stop = threading.Event()
        self._until = time.monotonic() + MINUTES * 60
        self._threads = []
        for init in INITS:
            waiting: queue.SimpleQueue[Round] = queue.SimpleQueue()
            for one in rounds:
                if one.init == init:
                    waiting.put(one)
            for _ in range(min(HOSTS_AT_ONCE, waiting.qsize())):
                self._threads.append(
                    threading.Thread(target=self._lane, args=(init, waiting), daemon=True)
                )
        for thread in self._threads:
            thread.start()

    def played(self) -> list[Played]:
        """The rounds that held."""
        done = [f for f in self.results.values() if f.done() and f.exception() is None]
        return [future.result() for future in done]

    def failed(self) -> list[Round]:
        """The rounds that did not."""
        found = {one: f.exception() for one, f in self.results.items() if f.done()}
        return [one for one, why in found.items() if why and not isinstance(why, NoTime)]

    def stop(self) -> None:
        """Let each host finish the round it is at, and end."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _lane(self, init: str, waiting: queue.SimpleQueue[Round]) -> None:
        ground: Ground | None = None
        while not self._stop.is_set():
            try:
                one = waiting.get_nowait()
            except queue.Empty:
                break
            future = self.results[one]
            if time.monotonic() > self._until:
                future.set_exception(NoTime())
                continue
            try:
                ground = ground or ground_new(self._stage, init)
                future.set_result(play(ground, one))
            except BaseException as error:
                error.add_note(f"round {one} of seed {one.seed}")
                future.set_exception(error)
                self._remove(ground)
                ground = None
        self._remove(ground)

    def _remove(self, ground: Ground | None) -> None:
        if ground is not None:
            with suppress(LabError):  # What resists is removed with the lab.
                self._stage.lab.remove(ground.host)
