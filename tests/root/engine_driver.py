"""Runs the engine with its real adapters inside a lab host: `engine_driver.py COMMAND JSON`.

Prints one JSON object. Commands: plan, apply (observe, plan, apply; `fault` makes one step fail,
`meanwhile` has somebody else act after one), settle, audit, keep. The tests use it by in_host.py.
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
from netops.engine.errors import OperationFailed
from netops.engine.journal import Journal
from netops.engine.nat.audit import audit
from netops.engine.nat_keep import nat_keep
from netops.engine.observe import observe
from netops.engine.observed import Controller
from netops.engine.plan import Plan
from netops.engine.planner import make_plan, require_same
from netops.engine.ports import HostPorts
from netops.engine.serial import from_json, to_json
from netops.engine.settle import settle
from netops.engine.steps import registry
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
    if "meanwhile" in asked:
        meanwhile(*asked["meanwhile"])
    outcome = engine.apply(plan, PORTS, emit, Journal(Path(asked["job"])), controller(asked))
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
    else:
        outcome = settle(Journal(Path(asked["job"])), PORTS, emit)
        answer = {"outcome": to_json(outcome), "events": EVENTS}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
