"""Sends what this host has to say, from a thread of its own; nothing is lost while no broker is.

Events of jobs are read from the disk, where whoever runs the job has written them; everything
else waits in memory.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import redis
from attrs import evolve

from netops.agent.config import AgentConfig
from netops.agent.jobs import JobFolder, jobs_all
from netops.agent.stream import Stream, why_away
from netops.wire import HEARTBEAT_S, TO_SITE, Heartbeat, ObservationReport, seal

log = logging.getLogger(__name__)
RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)
WAITING_LIMIT = 500


class Emitter:
    """The host's voice. `heartbeat` makes the sign of life that goes out every HEARTBEAT_S.

    `send`, `job_changed` and `resend` may be called from any thread.
    """

    def __init__(self, config: AgentConfig, jobs: Path, heartbeat: Callable[[], Heartbeat]) -> None:
        self._config = config
        self._heartbeat = heartbeat
        self._stream = Stream(config)
        self._waiting: deque[object] = deque(maxlen=WAITING_LIMIT)
        self._jobs = {job.job_id: job for job in jobs_all(jobs) if _unsent(job)}
        self._rewind: dict[str, int] = {}
        self._wake = threading.Condition()
        self._fresh = True
        self._stopping = False
        self._failures = 0
        self._next_heartbeat = 0.0
        self._thread = threading.Thread(target=self._run, name="emitter", daemon=True)

    def start(self) -> None:
        """Begin to send, what an earlier run left on disk first."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Send what is there if the broker takes it, then end."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(timeout_s)

    def send(self, body: object) -> None:
        """Send a message of netops.wire, now or when the broker is back, in order.

        Of the observations that wait without having been asked for only the latest is kept.
        """
        with self._wake:
            if isinstance(body, ObservationReport) and not body.request_id:
                for old in [b for b in self._waiting if _superseded(b)]:
                    self._waiting.remove(old)
            self._waiting.append(body)
            self._notify()

    def prove(self, nonce: str) -> None:
        """Send a sign of life with the site's nonce in it, at once."""
        self.send(evolve(self._heartbeat(), proof=nonce[:64]))

    def job_changed(self, job: JobFolder) -> None:
        """Say that a job has new events on disk."""
        with self._wake:
            self._jobs[job.job_id] = job
            self._notify()

    def resend(self, job: JobFolder, after: int) -> None:
        """Send the events of a job again, those after `after`."""
        with self._wake:
            self._jobs[job.job_id] = job
            self._rewind[job.job_id] = min(after, self._rewind.get(job.job_id, after))
            self._notify()

    def _notify(self) -> None:
        self._fresh = True
        self._wake.notify()

    def _run(self) -> None:
        while True:
            self._wait()
            try:
                self._send_all()
            except (redis.RedisError, OSError) as error:
                self._failed(error)
            else:
                if self._failures:
                    log.info("the broker takes messages again")
                self._failures = 0
            if self._stopping:
                self._stream.close()
                return

    def _wait(self) -> None:
        with self._wake:
            if self._failures:
                pause = RETRY_S[min(self._failures, len(RETRY_S)) - 1]
                self._wake.wait_for(lambda: self._stopping, pause)
            else:
                pause = self._next_heartbeat - time.monotonic()
                self._wake.wait_for(lambda: self._fresh or self._stopping, max(pause, 0))
            self._fresh = False

    def _send_all(self) -> None:
        with self._wake:
            jobs = list(self._jobs.values())
        for job in jobs:
            self._send_job(job)
        while self._waiting:
            body = self._waiting[0]
            self._add(body)
            with self._wake:
                # A newer observation may have taken its place meanwhile.
                if self._waiting and self._waiting[0] is body:
                    self._waiting.popleft()
        if time.monotonic() >= self._next_heartbeat:
            self._add(self._heartbeat())
            self._next_heartbeat = time.monotonic() + HEARTBEAT_S

    def _send_job(self, job: JobFolder) -> None:
        with self._wake:
            after = self._rewind.pop(job.job_id, None)
        after = job.sent if after is None else min(after, job.sent)
        events = job.events(after)
        try:
            for event in events:
                self._add(event)
                after = event.seq
        finally:
            if events:
                job.sent_set(after)
        if job.ended and job.sent >= after:
            with self._wake:
                if job.job_id not in self._rewind:
                    self._jobs.pop(job.job_id, None)

    def _add(self, body: object) -> None:
        config = self._config
        self._stream.add(seal(config.key, TO_SITE, config.host_id, body))

    def _failed(self, error: Exception) -> None:
        if not self._failures:
            log.warning("the broker takes no messages: %s", why_away(error, self._config))
        self._failures += 1


def _superseded(body: object) -> bool:
    return isinstance(body, ObservationReport) and not body.request_id


def _unsent(job: JobFolder) -> bool:
    last = job.last
    return last is not None and last.seq > job.sent
