"""The jobs of this host as text for a person at its console."""

from __future__ import annotations

import json
from pathlib import Path

from netops.agent.jobs import JobFolder, jobs_all
from netops.engine.errors import MessageRejected, Refused
from netops.engine.journal import Journal


def journals_text(jobs: Path) -> str:
    """Return one line for each job: id, start, kind and how it stands."""
    lines = [_line(job) for job in jobs_all(jobs)]
    return "\n".join(lines) or "No job has run on this host."


def journal_text(jobs: Path, name: str) -> str:
    """Return what was asked, the plan's steps, the journal and the events of the job whose id
    starts with `name`. Raises Refused if there is none, or more than one."""
    found = [job for job in jobs_all(jobs) if job.job_id.startswith(name)]
    if len(found) != 1:
        how_many = "no job" if not found else "more than one job"
        raise Refused("unknown-job", f"This host has {how_many} whose id starts with {name!r}.")
    job = found[0]
    return "\n".join([_line(job), "", *_plan(job), "", *_steps(job), "", *_events(job)])


def _line(job: JobFolder) -> str:
    try:
        request, events = job.request(), job.events()
    except (OSError, ValueError, MessageRejected):
        return f"{job.job_id}  (damaged)"
    at = events[0].at[:19] if events else "-"
    last = events[-1] if events else None
    state = str(last.data.get("state")) if last and last.type == "end" else "unfinished"
    return f"{job.job_id}  {at}  change {request.change_id}  {request.kind}  {state}"


def _plan(job: JobFolder) -> list[str]:
    try:
        plan = job.request().plan
    except (OSError, ValueError, MessageRejected) as error:
        return [f"The request cannot be read: {error}"]
    steps = [f"  {n}. {step.title}" for n, step in enumerate(plan.steps, 1)]
    return [f"Plan {plan.digest[:12]}: {json.dumps(plan.spec)}", *steps]


def _steps(job: JobFolder) -> list[str]:
    try:
        entries = Journal(job.path / "journal").entries()
    except (OSError, ValueError) as error:
        return [f"The journal cannot be read: {error}"]
    lines = [f"  {e.at[:19]}  step {e.step}  {e.phase}" for e in entries]
    return ["Journal:", *(lines or ["  nothing was begun"])]


def _events(job: JobFolder) -> list[str]:
    lines = []
    for event in job.events():
        step = f" step {event.step}" if event.step is not None else ""
        lines.append(f"  {event.seq:>3}  {event.at[:19]}  {event.type}{step}  {event.message}")
    return [f"Events (sent up to {job.sent}):", *lines]
