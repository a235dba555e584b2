"""The child process: observe, plan, keep, guard, apply, settle, finish.

`observe`, `plan` and `keep` answer with one line of JSON on standard output. `guard` sees a job
through (guard.py) and starts `apply` and `settle`, which work under its lock; these write their
events into the job's folder and a line for each to standard output, which nobody may hear.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Network

from netops.agent.config import Place, config_load
from netops.agent.controller import controller_find
from netops.agent.guard import guard
from netops.agent.jobs import UNFINISHED, EventLog, JobFolder, job_find
from netops.agent.lock import job_lock
from netops.agent.orders import Orders
from netops.agent.telling import TellingLog, job_end
from netops.engine.adapters import host_ports
from netops.engine.apply import apply
from netops.engine.desired import parse_spec
from netops.engine.errors import DockernetError, Refused, SpecInvalid, Stale
from netops.engine.go_back import context_new, never_raises
from netops.engine.journal import ROLLED_BACK, SUCCEEDED, Journal, Outcome
from netops.engine.nat_keep import nat_keep
from netops.engine.observe import observe
from netops.engine.observed import Controller, Observed
from netops.engine.plan import Plan
from netops.engine.planner import make_plan, require_same
from netops.engine.ports import HostPorts
from netops.engine.serial import Json, from_json, to_json
from netops.engine.settle import settle
from netops.engine.steps import step_of
from netops.wire import ApplyRequest, PlanRequest, ReservedRange

NOTHING_DONE = "The job was lost before its first step: nothing was touched."


Do = Callable[[Place, JobFolder, ApplyRequest, EventLog], None]


def work(place: Place, argv: list[str]) -> int:
    """Do what `argv` names; return the exit status. Raises Refused for anything else."""
    # A dockerd that a step starts must not inherit the pipe, or the worker would wait for its end.
    pipe = os.dup(1)
    os.dup2(2, 1)
    match argv:
        case ["observe"]:
            _answer(pipe, lambda: observation_make(place))
        case ["plan"]:
            request = from_json(PlanRequest, json.load(sys.stdin))
            _answer(pipe, lambda: plan_make(place, request))
        case ["keep"]:
            _answer(pipe, lambda: rules_keep(place))
        case ["guard", job_id]:
            guard(place, job_id, pipe)
        case ["finish", job_id]:
            _finish(place, job_id, pipe)
        case ["apply", job_id]:
            _job(place, job_id, pipe, _apply)
        case ["settle", job_id, *why]:
            _job(place, job_id, pipe, partial(_settle, why=" ".join(why)))
        case _:
            raise Refused("unknown-work", f"There is no such work: {argv}")
    return 0


def observation_make(place: Place) -> Observed:
    """Return what this host is now."""
    ports = host_ports()
    return observe(ports, _controller(place, ports))


def plan_make(place: Place, request: PlanRequest) -> Plan:
    """Return the plan asked for; raises SpecInvalid."""
    desired = parse_spec(request.kind, request.spec)
    observed, reserved = observation_make(place), _networks(request.reserved)
    return make_plan(observed, desired, reserved, request.change_id)


def rules_keep(place: Place) -> list[str]:
    """Put back what of our NAT rules was lost; return what was missing.

    Raises Refused while a job changes this host: it sees to the rules itself.
    """
    with job_lock(place.lock):
        return nat_keep(host_ports())


def _controller(place: Place, ports: HostPorts) -> Controller:
    return controller_find(config_load(place.config), place, ports.netlink)


def _networks(reserved: tuple[ReservedRange, ...]) -> list[tuple[IPv4Network, str]]:
    return [(IPv4Network(r.subnet), r.label) for r in reserved]


def _answer(pipe: int, make: Callable[[], object]) -> None:
    try:
        answer: dict[str, Json] = {"answer": to_json(make())}
    except SpecInvalid as error:
        answer = {"error": " ".join(message for _, _, message in error.problems)}
    except DockernetError as error:
        answer = {"error": str(error)}
    with os.fdopen(pipe, "w") as out:
        json.dump(answer, out, separators=(",", ":"))


def _job(place: Place, job_id: str, pipe: int, do: Do) -> None:
    folder = job_find(place.jobs, job_id)
    if folder is None:
        raise Refused("unknown-job", f"This host has no job {job_id}.")
    if folder.ended:
        return
    request = folder.request()
    events = TellingLog(folder, request.change_id, pipe)
    try:
        do(place, folder, request, events)
    finally:
        events.close()


def _finish(place: Place, job_id: str, pipe: int) -> None:
    """Let go of what only the way back of a confirmed job needed."""
    folder = job_find(place.jobs, job_id)
    snapshot = _journal(folder).snapshot() if folder else None
    if folder is None or snapshot is None:
        raise Refused("unknown-job", f"This host has no job {job_id}.")
    said: list[str] = []
    ctx = context_new(host_ports(), never_raises(lambda *_, **__: None), Controller(), None)
    ctx.output = said.append
    try:
        for spec in snapshot.plan.steps:
            step_of(spec).finish(ctx)
        (folder.path / UNFINISHED).unlink(missing_ok=True)
    except (DockernetError, OSError) as error:
        said.append(f"What was kept for the way back could not be let go yet: {error}")
    if said and not folder.ended:
        events = TellingLog(folder, folder.request().change_id, pipe)
        for text in said:
            events("output", text)
        events.close()


def _apply(place: Place, folder: JobFolder, request: ApplyRequest, events: EventLog) -> None:
    last = folder.last
    if last is None or last.seq != 1:
        raise Refused("begun", "This job was begun before; it can only be settled.")
    ports = host_ports()
    controller = _controller(place, ports)
    try:
        # What is carried out is the plan that this host makes itself, never what came by wire.
        observed = observe(ports, controller)
        reserved = _networks(request.reserved)
        plan = require_same(request.plan, observed, reserved, request.change_id)
    except Stale as error:
        told = "\n".join([error.message, *error.differences])
        events("state", told, state="stale", differences=list(error.differences))
        events("end", error.message, state="stale", outage_s=None, containers=[])
        return
    outcome = apply(
        plan,
        ports,
        events,
        _journal(folder),
        controller,
        cancelled=lambda: Orders(folder.path).cancelled,
        hold=True,
    )
    # What is done but not confirmed yet has not ended: the guard sees to that.
    if outcome.state != SUCCEEDED:
        job_end(events, outcome)


def _settle(
    place: Place, folder: JobFolder, request: ApplyRequest, events: EventLog, *, why: str
) -> None:
    journal = _journal(folder)
    if not journal.exists or journal.snapshot() is None:
        job_end(events, Outcome(ROLLED_BACK, f"{why} {NOTHING_DONE}".strip()))
        return
    outcome, held = journal.outcome(), journal.held
    if outcome is None and held and not why and not journal.turned_back:
        # Confirmed, and the disk did not take that it ended: it stays.
        outcome = held if Orders(folder.path).confirmed_by else None
    if outcome is None:
        events("output", "The journal of this host says what to undo.")
        outcome = settle(journal, host_ports(), events, why=why, hold=True)
        if journal.outcome() is None and outcome.state == SUCCEEDED:
            return
    job_end(events, outcome)


def _journal(folder: JobFolder) -> Journal:
    return Journal(folder.path / "journal")
