"""The jobs of this host as text for a person at its console."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from netops.agent.jobs import JobFolder, jobs_all
from netops.agent.orders import Orders
from netops.engine.errors import MessageRejected, Refused
from netops.engine.journal import Journal


def journals_text(jobs: Path) -> str:
    """Return one line for each job: id, start, kind and how it stands."""
    lines = [_line(job) for job in jobs_all(jobs)]
    return "\n".join(lines) or "No job has run on this host."


def journal_text(jobs: Path, name: str) -> str:
    """Return all that this host knows of the job whose id starts with `name`: the plan, the host as
    it was before, the journal, the guard and the events.

    Raises Refused if there is no such job, or more than one.
    """
    found = [job for job in jobs_all(jobs) if job.job_id.startswith(name)]
    if len(found) != 1:
        how_many = "no job" if not found else "more than one job"
        raise Refused("unknown-job", f"This host has {how_many} whose id starts with {name!r}.")
    job = found[0]
    parts = (_plan(job), _before(job), _steps(job), _end(job), _events(job))
    return "\n\n".join([_line(job), *("\n".join(part) for part in parts if part)])


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


def _before(job: JobFolder) -> list[str]:
    """The host as it was before the first step, and where the copies of its files are."""
    journal = Journal(job.path / "journal")
    try:
        snapshot = journal.snapshot()
    except (OSError, ValueError, MessageRejected) as error:
        return [f"The snapshot cannot be read: {error}"]
    if snapshot is None or snapshot.host is None:
        return []
    host = snapshot.host
    running = [c.name for c in host.containers if c.state == "running"]
    other = [f"{c.name} ({c.state})" for c in host.containers if c.state != "running"]
    files = [f"{path}{'' if saved else ' (not there)'}" for path, saved in host.files.items()]
    addresses = [f"{a.interface} on {a.link}" for a in host.addresses]
    rules = sum(line.startswith("-A") for line in host.rules.splitlines())
    return [
        f"Before the job, at {snapshot.at[:19]}:",
        f"  files       {', '.join(files)}; copies in {journal.before}",
        f"  addresses   {', '.join(addresses) or 'none'}",
        f"  running     {', '.join(running) or 'nothing'}",
        *([f"  otherwise   {', '.join(other)}"] if other else []),
        f"  iptables    {rules} rules, whole in {journal.folder / 'snapshot.json'}",
        f"  forwarding  {'on' if host.ip_forward else 'off'}",
        *(f"  not known   {text}" for text in host.missing),
    ]


def _end(job: JobFolder) -> list[str]:
    """What the guard knows: when it was armed, the confirm, the way back, what is left to do."""
    journal, orders, lines = Journal(job.path / "journal"), Orders(job.path), []
    with contextlib.suppress(OSError, ValueError, KeyError):
        armed = json.loads((job.path / "guard.json").read_text())
        lines.append(f"  armed at {armed['armed_at'][:19]}, for at most {armed['limit_s']:.0f} s")
    if orders.asked:
        lines.append(f"  confirmed by {orders.confirmed_by or 'nobody so far'}")
    if orders.cancelled:
        lines.append(f"  {orders.cancelled}")
    if journal.turned_back:
        lines.append(f"  goes back: {journal.turned_back}")
    outcome = journal.outcome()
    if outcome is not None:
        lines.append(f"  outcome {outcome.state}: {outcome.message}")
        lines += [f"  left to do: {command}" for command in outcome.left]
    return ["Guard:", *lines] if lines else []


def _events(job: JobFolder) -> list[str]:
    lines = []
    for event in job.events():
        step = f" step {event.step}" if event.step is not None else ""
        lines.append(f"  {event.seq:>3}  {event.at[:19]}  {event.type}{step}  {event.message}")
    return [f"Events (sent up to {job.sent}):", *lines]
