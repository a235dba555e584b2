"""Carries out the cases of a session, several hosts at a time: most of the time is waiting."""

from __future__ import annotations

import os
import queue
import random
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future

from tests.faults.hosts.cases import NAT, SEED, SUBNET, Case
from tests.faults.hosts.stage import Stage
from tests.faults.hosts.striking import Row, Subject, strike, subject_new

# As many hosts at a time, of each init, as two cores carry.
HOSTS_AT_ONCE = {SUBNET: 2, NAT: 1}
# A run may be told how long it may take: cases that were not begun by then are skipped, and said
# to be missing.
MINUTES = float(os.environ.get("DOCKERNET_FAULT_MINUTES") or 24 * 60)


class NoTime(Exception):
    """The run's time was up before the case began."""


class Lanes:
    """Starts to work at once; `results[case]` is the future of its Row.

    Each host takes the cases of its init and kind one after the other: that it takes the next one
    is part of the proof. One on which a case failed is left alone, and a fresh one goes on.
    """

    def __init__(self, stage: Stage, cases: Sequence[Case]) -> None:
        self.results: dict[Case, Future[Row]] = {case: Future() for case in cases}
        self._stage = stage
        self._stop = threading.Event()
        self._until = time.monotonic() + MINUTES * 60
        grouped: dict[tuple[str, str], queue.SimpleQueue[Case]] = defaultdict(queue.SimpleQueue)
        # In no order: where the time ends a run, what it did is spread over all.
        for case in random.Random(SEED).sample(list(cases), len(cases)):
            grouped[case.init, case.kind].put(case)
        self._threads = [
            threading.Thread(target=self._lane, args=(init, kind, waiting), daemon=True)
            for (init, kind), waiting in grouped.items()
            for _ in range(min(HOSTS_AT_ONCE[kind], waiting.qsize()))
        ]
        for thread in self._threads:
            thread.start()

    def rows(self) -> list[Row]:
        """How the cases ended that have ended well, also those that no test has asked for yet."""
        done = [f for f in self.results.values() if f.done() and f.exception() is None]
        return [future.result() for future in done]

    def failed(self) -> list[str]:
        """The cases that have failed."""
        found = {case: f.exception() for case, f in self.results.items() if f.done()}
        return [str(case) for case, why in found.items() if why and not isinstance(why, NoTime)]

    def stop(self) -> None:
        """Let each host finish the case it is at, and end."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _lane(self, init: str, kind: str, waiting: queue.SimpleQueue[Case]) -> None:
        subject: Subject | None = None
        while not self._stop.is_set():
            try:
                case = waiting.get_nowait()
            except queue.Empty:
                break
            future = self.results[case]
            if time.monotonic() > self._until:
                future.set_exception(NoTime())
                continue
            try:
                subject = subject or subject_new(self._stage, init, kind)
                future.set_result(strike(subject, case))
            except BaseException as error:
                error.add_note(f"{case}\n{traceback.format_exc()}")
                if subject is not None:
                    error.add_note(_agent_log(subject))
                future.set_exception(error)
                subject = None


def _agent_log(subject: Subject) -> str:
    try:
        shown = "tail -n 40 /var/log/dockernet-agent.log || journalctl -u dockernet-agent -n 40"
        return str(subject.host.run(shown, check=False).stdout)
    except Exception as error:
        return f"(no log: {error})"
