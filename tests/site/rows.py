"""Rows as the services would have left them, without a broker."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from django.utils import timezone

from hosts.models import Host
from netops.engine.plan import ContainerMove, Finding, Plan, StepSpec, digest_of
from netops.engine.serial import to_json
from netops.models import Change, Job
from netops.services.moves import event_append
from netops.states import State
from people.models import User

SPEC = {"network": "bridge", "subnet": "192.168.225.0/24"}
_numbers = itertools.count(1)


def host_row(name: str = "", **fields: Any) -> Host:
    """An enrolled host that was heard from just now."""
    now = timezone.now()
    values = {"enrolled_at": now, "last_seen_at": now, "secret": "ab" * 32, **fields}
    return Host.objects.create(name=name or f"host-{next(_numbers)}", **values)


def plan_of(spec: dict[str, Any] | None = None, *, blocker: str = "", basis: int = 1) -> Plan:
    """A plan whose digest is right."""
    spec = {**(spec or SPEC)}
    findings = (Finding(blocker, "blocker", "It cannot be done."),) if blocker else ()
    steps = () if blocker else (StepSpec("docker_stop", "Stop Docker", "service docker stop"),)
    kept: dict[str, Any] = {"n": basis}
    digest = digest_of(spec, kept, steps)
    moves = (ContainerMove("web", None, None),)
    return Plan("subnet", spec, kept, steps, findings, moves, 2.5, digest)


def change_row(
    host: Host, by: User, state: State = State.PLANNING, *, plan: Plan | None = None, **fields: Any
) -> Change:
    """A change in any state, with one event of history."""
    plan = plan or (None if state == State.PLANNING else plan_of())
    values = {
        "kind": "subnet",
        "spec": SPEC,
        "reason": "VPN",
        "plan": to_json(plan) if plan else None,
        "plan_digest": plan.digest if plan else "",
        **fields,
    }
    change = Change.objects.create(host=host, requested_by=by, state=state, **values)
    event_append(change, "state", "asked", data={"state": "planning"})
    return change


def job_row(change: Change, **fields: Any) -> Job:
    """A job of a change."""
    values = {"expires_at": timezone.now() + timedelta(minutes=5), **fields}
    return Job.objects.create(change=change, **values)


def history(change: Change) -> list[tuple[int, str, Any]]:
    """(seq, type, data.state) of each event, in order; numbers are 1, 2, 3 ... without a gap."""
    rows = list(change.events.order_by("seq"))
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    return [(row.seq, row.type, row.data.get("state")) for row in rows]
