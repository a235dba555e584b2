"""Confirmed jobs that still keep what only their way back needed: Docker did not answer then."""

from __future__ import annotations

import contextlib
import subprocess

from netops.agent.child import child_start
from netops.agent.config import Place
from netops.agent.jobs import UNFINISHED, jobs_all
from netops.agent.lock import job_lock_held

FINISH_S = 30.0


def finish_ended(place: Place) -> None:
    """Let it go now; not while a job is under way, whose guard does it (guard.py)."""
    for job in jobs_all(place.jobs):
        if job_lock_held(place.lock):
            return
        if (job.path / UNFINISHED).exists() and job.ended:
            child = child_start(place, "finish", job.job_id)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.communicate(timeout=FINISH_S)
