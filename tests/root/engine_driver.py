"""Runs the engine with its real adapters inside a lab host: `engine_driver.py COMMAND JSON`.

Prints one JSON object. Commands: plan, apply (observe, plan, apply; `fault` makes one step fail,
`amid` runs a line of shell right before a step does or saves, `meanwhile` right after it did,
`hold` waits for a confirm), settle (`why` undoes it), confirm, revert, audit, keep. The tests use
it by in_host.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from netops.engine import apply as engine
from netops.engine.adapters import host_ports
from netops.engine.context import Context
from netops.engine.desired import parse_spec
from netops.engine.errors import OldStateLost, OperationFailed
from netops.engine.go_back import context_new, look_back
from netops.engine.journal import Journal
from netops.engine.nat.audit import audit
from netops.engine.nat_keep import nat_keep
from netops.engine.observe import observe
from netops.engine.observed import Controller
from netops.engine.plan import Plan
from netops.engine.planner import make_plan, require_same
from netops.engine.ports import HostPorts
from netops.engine.serial import from_json, to_json
from netops.engine.settle import context_again, settle
from netops.engine.steps import registry, step_of
from netops.engine.steps.base import Step

PORTS = host_ports()
EVENTS: list[dict[str, Any]] = []


def emit(kind: str, message: str = "", *, step: int | None = None, **data: Any) -> None:
    """Remember an event, and show it on stderr."""
    EVENTS.append({"type": kind, "message": message, "step": step, **data})
    print(f"{time.monotonic():.3f} {step or '-'} {kind}: {message}", file=sys.stderr, flush=True)


def controller(asked: dict[str, Any]) -> Controller:
    """The site as the test says it."""
    addresses = tuple(IPv4Address(a) for a in asked.get("controller", []))
    return Controller(addresses=addresses)


def plan_of(asked: dict[str, Any], ports: HostPorts) -> Plan:
    """Observe and plan."""
    reserved = [(IPv4Network(n), label) for n, label in asked.get("reserved", [])]
    desired = parse_spec(asked.get("kind", "subnet"), asked["spec"])
    observed = observe(ports, controller(asked))
    return make_plan(observed, desired, reserved, asked.get("change", 0))


class Fault:
    """Makes the step number `step` of a job fail once: before its effect, after it, or by kill."""

    def __init__(self, step: int, when: str) -> None:
        self.step, self.when, self.count = step, when, 0

    def arm(self, plan: Plan) -> None:
        """Wrap do() of the class of that step."""
        kind = registry()[plan.steps[self.step - 1].kind]
        original, same = kind.do, [s.kind for s in plan.steps[: self.step]].count(kind.kind)

        def do(step: Step, ctx: Context) -> None:
            self.count += 1
            if self.count != same:
                original(step, ctx)
                return
            if self.when == "before":
                raise OperationFailed("Made to fail before its effect.")
            if self.when == "kill-before":
                os.kill(os.getpid(), 9)
            original(step, ctx)
            if self.when == "kill-after":
                os.kill(os.getpid(), 9)
            if self.when == "power-after":
                print("POWER", flush=True)
                time.sleep(60)
            raise RuntimeError("Made to fail after its effect.")

        setattr(kind, "do", do)  # noqa: B010 - a method of every step of that kind


def happen(kind: str, when: str, line: str) -> None:
    """Have a line of shell run right before a step's `when` (save or do), once."""
    step = registry()[kind]
    original = getattr(step, when)

    def wrapped(self: Step, ctx: Context) -> Any:
        setattr(step, when, original)
        subprocess.run(["sh", "-c", line], check=True, stdout=sys.stderr)
        return original(self, ctx)

    setattr(step, when, wrapped)


def run_confirm(asked: dict[str, Any]) -> dict[str, Any]:
    """End a job that waits for its confirm, as the guard does it."""
    journal = Journal(Path(asked["job"]))
    snapshot, held = journal.snapshot(), journal.held
    assert snapshot is not None
    assert held is not None
    ctx = context_new(PORTS, emit, controller(asked), None)
    for spec in snapshot.plan.steps:
        step_of(spec).finish(ctx)
    journal.finish(held)
    return {"outcome": to_json(held), "events": EVENTS}


def run_revert(asked: dict[str, Any]) -> dict[str, Any]:
    """Take an ended job back, as a person at the console does it; `refused` says why not."""
    journal = Journal(Path(asked["job"]))
    snapshot = journal.snapshot()
    assert snapshot is not None
    ctx = context_again(journal, snapshot, journal.entries(), PORTS, emit, None)
    try:
        look_back(ctx, snapshot.plan, journal)
    except OldStateLost as error:
        return {"refused": f"{error.message} {error.hint}"}
    journal.reopen("Taken back.")
    outcome = settle(journal, PORTS, emit)
    return {"outcome": to_json(outcome), "events": EVENTS}


def meanwhile(kind: str, line: str) -> None:
    """Have somebody else run a line of shell right after each step of that kind."""
    step_class = registry()[kind]
    original = step_class.do

    def do(step: Step, ctx: Context) -> None:
        original(step, ctx)
        subprocess.run(["sh", "-c", line], check=True)

    setattr(step_class, "do", do)  # noqa: B010 - a method of every step of that kind


def run_apply(asked: dict[str, Any]) -> dict[str, Any]:
    """Observe, plan (or take `plan`, which must still hold), apply."""
    if "plan" in asked:
        plan = from_json(Plan, asked["plan"])
        require_same(plan, observe(PORTS, controller(asked)))
    else:
        plan = plan_of(asked, PORTS)
    if "fault" in asked:
        Fault(*asked["fault"]).arm(plan)
    for step, when, line in asked.get("amid", []):
        happen(step, when, line)
    if "meanwhile" in asked:
        meanwhile(*asked["meanwhile"])
    journal, hold = Journal(Path(asked["job"])), bool(asked.get("hold"))
    outcome = engine.apply(plan, PORTS, emit, journal, controller(asked), hold=hold)
    answer = {"outcome": to_json(outcome), "events": EVENTS, "plan": to_json(plan)}
    return {**answer, "python_iptables": "iptc" in sys.modules}


def main() -> None:
    """One command."""
    command, asked = sys.argv[1], json.loads(sys.argv[2])
    if command == "plan":
        answer = to_json(plan_of(asked, PORTS))
    elif command == "apply":
        answer = run_apply(asked)
    elif command == "audit":
        answer = {"nat": [to_json(entry) for entry in audit(observe(PORTS, controller(asked)))]}
    elif command == "keep":
        answer = {"missing": nat_keep(PORTS)}
    elif command == "confirm":
        answer = run_confirm(asked)
    elif command == "revert":
        answer = run_revert(asked)
    else:
        journal = Journal(Path(asked["job"]))
        outcome = settle(journal, PORTS, emit, why=asked.get("why", ""), hold="why" in asked)
        answer = {"outcome": to_json(outcome), "events": EVENTS}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
