"""A job's events as its own processes write them: to disk, and a word to the worker."""

from __future__ import annotations

import contextlib
import os

from netops.agent.jobs import EventLog, JobFolder
from netops.engine.journal import Outcome
from netops.engine.serial import to_json


class TellingLog(EventLog):
    """Tells the worker of each event by a line into `pipe`, if there still is a worker."""

    def __init__(self, folder: JobFolder, change_id: int, pipe: int) -> None:
        super().__init__(folder, change_id)
        self._pipe = pipe

    def written(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._pipe, b".\n")


def job_end(events: EventLog, outcome: Outcome) -> None:
    """Write the last two events of a job: its state, and the end with what was measured."""
    events("state", outcome.message, state=outcome.state)
    events(
        "end",
        outcome.message,
        state=outcome.state,
        outage_s=outcome.outage_s,
        containers=[to_json(move) for move in outcome.containers],
        left=list(outcome.left),
    )
