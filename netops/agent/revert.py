"""`dockernet-agent revert`: undo a job at the host's console, without the site."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from netops.agent.config import Place, config_load
from netops.agent.jobs import EventLog, JobFolder, jobs_all
from netops.agent.lock import job_lock, job_lock_held
from netops.agent.orders import Orders
from netops.engine.errors import DockernetError, Refused
from netops.engine.journal import ROLLED_BACK, Journal

WHO = "A person at the host's console"
POLL_S = 0.2

Say = Callable[[str], None]


def revert(place: Place, name: str, *, say: Say) -> int:
    """Undo the job whose id starts with `name`, the latest if "".

    One that is under way is cancelled and followed to its end; one that nobody works on is undone
    from its journal; one that succeeded is undone too, if no later job has changed the host.
    Returns 0 if the host is as it was before the job, 1 if something is left to do by hand. Raises
    Refused without root, for no such job, or one that is followed by another.
    """
    if os.geteuid() != 0:
        raise Refused("not-root", "Run this as root.")
    job = _job(place.jobs, name)
    if not job.ended:
        _stop(place, job, say)
    elif str((job.last.data if job.last else {}).get("state")) == "succeeded":
        _undo(place, job, say)
    else:
        raise Refused("not-succeeded", "That job left nothing on this host that could be undone.")
    outcome = Journal(job.path / "journal").outcome()
    return 0 if outcome is None or outcome.state == ROLLED_BACK else 1


def _job(jobs: Path, name: str) -> JobFolder:
    every = list(jobs_all(jobs))
    found = [job for job in every if job.job_id.startswith(name)]
    if not found or (name and len(found) > 1):
        how_many = "more than one job" if found else "no job"
        of = f" whose id starts with {name!r}" if name else ""
        raise Refused("unknown-job", f"This host has {how_many}{of}; see: dockernet-agent journal")
    job = found[-1]
    if job.job_id != every[-1].job_id:
        later = every[-1].job_id[:12]
        raise Refused("not-latest", f"Job {later} came later on this host: revert that one first.")
    return job


def _stop(place: Place, job: JobFolder, say: Say) -> None:
    """Cancel a job under way, or undo one that nobody works on, and tell its events."""
    Orders(job.path).cancel(WHO)
    say(f"Job {job.job_id[:12]} is told to stop at the next safe point and to go back.")
    told = len(job.events())
    while job_lock_held(place.lock):
        told = _tell(job, told, say)
        time.sleep(POLL_S)
    if not job.ended:
        _settle(place, job)
    _tell(job, told, say)


def _settle(place: Place, job: JobFolder) -> None:
    from netops.agent.guard import guard

    pipe = os.open(os.devnull, os.O_WRONLY)
    try:
        guard(place, job.job_id, pipe)
    finally:
        os.close(pipe)


def _undo(place: Place, job: JobFolder, say: Say) -> None:
    """Undo a job that succeeded; its events go on after its end, and the site is told."""
    from netops.engine.adapters import host_ports
    from netops.engine.settle import undo_ended

    request, told = job.request(), len(job.events())
    with job_lock(place.lock):
        events = EventLog(job, request.change_id)
        try:
            why = f"{WHO} took job {job.job_id[:12]} back."
            outcome = undo_ended(Journal(job.path / "journal"), host_ports(), events, why=why)
            events("end", outcome.message, state=outcome.state, by_hand=True)
        finally:
            events.close()
    _tell(job, told, say)
    _send(place, job, told, say)


def _send(place: Place, job: JobFolder, after: int, say: Say) -> None:
    """Tell the site at once if it can be reached; else the agent does when it starts next."""
    import redis

    from netops.agent.stream import Stream
    from netops.wire import TO_SITE, seal

    try:
        config = config_load(place.config)
        stream = Stream(config)
        for event in job.events(after):
            stream.add(seal(config.key, TO_SITE, config.host_id, event))
        stream.close()
    except (DockernetError, redis.RedisError, OSError) as error:
        say(f"The site could not be told now ({error}); the agent tells it when it starts next.")


def _tell(job: JobFolder, told: int, say: Say) -> int:
    events = job.events(told)
    for event in events:
        if event.message and event.type != "end":
            say(event.message)
    return told + len(events)
