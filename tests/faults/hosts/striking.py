"""One case of the matrix on a real host: strike, let it settle, prove that the host is whole."""

from __future__ import annotations

import time
from typing import Any

import attrs

from lab.host import LabHost
from tests.faults.hosts.cases import NAT, POWER, STEPS, SUBNET, VICTIMS, Case
from tests.faults.hosts.faults import fault_order, fault_struck
from tests.faults.hosts.stage import PORTS, Change, Stage
from tests.faults.hosts.whole import (
    NEW,
    OLD,
    Seen,
    assert_of_use,
    look,
    own_rules,
    settings,
    which,
    which_nat,
)

TRUTH = {"old": "rolled_back", "new": "succeeded"}
# After a loss of power Docker itself may still be starting containers when the job has ended.
AFTER_BOOT_S = 20.0
KEPT_POINTS = ("confirmed", "ended")  # The change is there to stay.


@attrs.frozen
class Row:
    """How a case ended: `host` old or new, `settled_s` from the strike to the end on the site."""

    case: Case
    host: str
    settled_s: float


@attrs.define
class Subject:
    """A host and what its cases alternate between: two subnets, or two settings of NAT."""

    stage: Stage
    host: LabHost
    kind: str
    specs: tuple[dict[str, Any], dict[str, Any]]
    rules: dict[int, list[str]] = attrs.field(factory=dict)

    def next_spec(self, seen: Seen) -> int:
        """The number of the specification that the host is not at."""
        if self.kind == SUBNET:
            return int(seen["record"] == self.specs[0]["subnet"])
        return int(settings(seen)[0]["publish"] == self.specs[0]["publish"])


def subject_new(stage: Stage, init: str, kind: str) -> Subject:
    """A host ready for cases of that kind: with a NAT setting, which a new subnet takes along."""
    host = stage.host_new(init, kind[0])
    subnet = stage.subnet(host)
    if kind == SUBNET:
        stage.change(host, NAT, {"subnet": subnet, "mode": "masquerade"})
        number = int(host.address.packed[-1])
        nets = [f"10.{tens}.{number}.0/24" for tens in (90, 91)]
        specs = tuple({"network": "bridge", "subnet": net} for net in nets)
        return Subject(stage, host, kind, specs)  # type: ignore[arg-type]
    target = look(host)["containers"]["batch"]["address"].partition("/")[0]
    publish = [
        [{"protocol": "tcp", "host_port": port, "to": f"{target}:80"}] for port in (8098, 8099)
    ]
    specs = tuple({"subnet": subnet, "mode": "masquerade", "publish": p} for p in publish)
    subject = Subject(stage, host, kind, specs)  # type: ignore[arg-type]
    for number, spec in enumerate(subject.specs):
        stage.change(host, NAT, spec)
        subject.rules[number] = own_rules(look(host))
    assert subject.rules[0] != subject.rules[1]
    return subject


def strike(subject: Subject, case: Case) -> Row:
    """Carry a case out; AssertionError or LabError when anything is not whole or not true."""
    stage, host = subject.stage, subject.host
    before = look(host)
    number = subject.next_spec(before)
    change = stage.ask(host, case.kind, subject.specs[number])
    titles = [step["title"] for step in change["plan"]["steps"]]
    assert len(titles) == len(STEPS[case.kind]), titles
    fault_order(host, {"step": case.number, "point": case.point, "act": VICTIMS[case.victim]})
    stage.approve(change)
    struck = fault_struck(host)[0]
    if case.victim == POWER:
        host.power_off()
        host.boot()
    ended = stage.ended(change)
    settled_s = time.time() - struck["at"]
    found = _whole(subject, case, before, number)
    assert case.point not in KEPT_POINTS or found == NEW, (found, _story(stage, change))
    assert ended["state"] == TRUTH[found], (found, ended["state"], _story(stage, change))
    events = stage.events(change)
    told = [e["step"] for e in events if e["type"] == "step_started"]
    assert told == sorted(told), told
    assert min(case.step, len(titles)) in told
    if case.step > len(titles):
        assert set(told) == set(range(1, len(titles) + 1)), told
    return Row(case, found, round(settled_s, 1))


def _whole(subject: Subject, case: Case, before: Seen, number: int) -> str:
    """OLD or NEW, after what nobody could remember has been started again."""
    host, deadline = subject.host, time.monotonic() + AFTER_BOOT_S
    if case.victim == POWER:
        host.wait_docker()
        begun_or_ended = (case.step, case.point) == (1, "before") or case.point in KEPT_POINTS
        if case.kind == NAT or begun_or_ended:
            # No subnet change was under way as far as the host knows: what has no restart policy
            # stays down after a loss of power, with or without us.
            host.run("docker start batch frozen && docker pause frozen")
    while True:
        try:
            return _which(subject, before, number)
        except AssertionError:
            if case.victim != POWER or time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _which(subject: Subject, before: Seen, number: int) -> str:
    host, after, spec = subject.host, look(subject.host), subject.specs[number]
    ports = dict(PORTS)
    if subject.kind == SUBNET:
        found = which(before, after, spec["subnet"])
    else:
        found = which_nat(before, after, subject.rules[number], spec)
        at = 1 - number if found == OLD else number
        ports[subject.specs[at]["publish"][0]["host_port"]] = "batch"
    assert_of_use(host, after, ports)
    return found


def _story(stage: Stage, change: Change) -> str:
    return "\n".join(f"{e['seq']} {e['type']} {e['message']}" for e in stage.events(change))
