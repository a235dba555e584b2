"""The last words of a job that could not be settled, however often it was tried."""

from __future__ import annotations

from netops.agent.jobs import EventLog, JobFolder
from netops.wire import JobEvent

LAST_WORD_S = 60.0


def job_events(job: JobFolder) -> EventLog:
    """Return what adds events to a job."""
    last = job.last
    return EventLog(job, last.change_id if last else job.request().change_id)


def job_give_up(job: JobFolder, *, first: bool) -> list[JobEvent]:
    """End a job as failed; return the events that the disk has not taken, the first time alone."""
    text = (
        "The job was interrupted and could not be settled. Look at it on the host: "
        f"dockernet-agent journal {job.job_id}"
    )
    events = job_events(job)
    events("state", text, state="failed")
    events("end", text, state="failed", outage_s=None, containers=[])
    events.close(LAST_WORD_S if first else 0)
    return events.unwritten if first else []
