"""`dockernet-agent revert`: undo a job at the host's console, without the site."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from netops.agent.child import child_argv
from netops.agent.config import Place, config_load
from netops.agent.jobs import EventLog, JobFolder, jobs_all
from netops.agent.lock import job_lock, job_lock_held
from netops.agent.orders import Orders
from netops.engine.adapters import host_ports
from netops.engine.errors import DockernetError, OldStateLost, Refused
from netops.engine.go_back import look_back, never_raises
from netops.engine.journal import FAILED, ROLLED_BACK, SUCCEEDED, Journal
from netops.engine.settle import context_again

WHO = "A person at the host's console"
POLL_S, GUARDS = 0.2, 3

Say = Callable[[str], None]


def revert(place: Place, name: str, *, say: Say) -> int:
    """Undo the job whose id starts with `name`, the latest if "".

    One that is under way is cancelled and followed to its end; one that nobody works on is undone
    from its journal; one that has ended and changed the host is undone too, under a guard of its
    own that outlives this terminal, if no later job came. Returns 0 if the host is as it was
    before the job, 1 if something is left to do by hand. Raises Refused without root, for no such
    job, one that is followed by another, or one that left nothing.
    """
    if os.geteuid() != 0:
        raise Refused("not-root", "Run this as root.")
    job = _job(place.jobs, name)
    told = len(job.events())
    if job.ended:
        _reopen(place, job)
    else:
        Orders(job.path).cancel(WHO)
        say(f"Job {job.job_id[:12]} is told to stop at the next safe point and to go back.")
    _follow(place, job, told, say)
    _send(place, job, told, say)
    outcome = Journal(job.path / "journal").outcome()
    return 0 if job.ended and (outcome is None or outcome.state == ROLLED_BACK) else 1


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


def _reopen(place: Place, job: JobFolder) -> None:
    """Write that an ended job goes back; from then on whoever finds it settles it.

    Raises Refused if it left nothing that could be undone, or while another job is under way.
    """
    state = str((job.last.data if job.last else {}).get("state"))
    journal = Journal(job.path / "journal")
    if state not in (SUCCEEDED, FAILED) or journal.snapshot() is None:
        raise Refused("not-succeeded", "That job left nothing on this host that could be undone.")
    why = f"{WHO} took job {job.job_id[:12]} back."
    with job_lock(place.lock):
        _refuse_lost(journal)
        try:
            journal.reopen(why)
        except OSError as error:
            text = f"This host's disk takes nothing ({error.strerror}): make room, then try again."
            raise Refused("disk", text) from error
        events = EventLog(job, job.request().change_id)
        try:
            events("rollback_started", f"{why} The host goes back.")
        finally:
            events.close()


def _refuse_lost(journal: Journal) -> None:
    """Raise Refused if others have by now what the state before the job needs.

    The range that docker0 has left is free for everybody since the job was confirmed.
    """
    snapshot = journal.snapshot()
    assert snapshot is not None
    ctx = context_again(
        journal,
        snapshot,
        journal.entries(),
        host_ports(),
        never_raises(lambda *_, **__: None),
        None,
    )
    try:
        look_back(ctx, snapshot.plan, journal)
    except OldStateLost as error:
        way = f" It can be once that is settled: {error.hint}" if error.hint else ""
        text = f"{error.message} That job cannot be undone; nothing was touched.{way}"
        raise Refused("old-state-lost", text) from error


def _follow(place: Place, job: JobFolder, told: int, say: Say) -> None:
    """Show a job's events until its end; where nobody works on it, start a guard that does.

    The guard has a session of its own: it goes on when this terminal is closed.
    """
    for _ in range(GUARDS):
        while job_lock_held(place.lock):
            told = _tell(job, told, say)
            time.sleep(POLL_S)
        if job.ended:
            break
        guard = subprocess.Popen(
            child_argv(place, "guard", job.job_id),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        while guard.poll() is None:
            told = _tell(job, told, say)
            time.sleep(POLL_S)
    _tell(job, told, say)


def _send(place: Place, job: JobFolder, after: int, say: Say) -> None:
    """Tell the site at once if it can be reached; else the agent does when it looks next."""
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
        say(f"The site could not be told now ({error}); the agent tells it as soon as it can.")


def _tell(job: JobFolder, told: int, say: Say) -> int:
    events = job.events(told)
    for event in events:
        if event.message and event.type != "end":
            say(event.message)
    return told + len(events)
