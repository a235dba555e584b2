"""A job that something happens to: it waits at an exact point until the test has done its worst."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import attrs

from lab.host import LabHost
from tests.faults.hosts.cases import LAST, STEPS, SUBNET
from tests.faults.hosts.faults import fault_order, fault_struck
from tests.faults.hosts.stage import PORTS, Change, Stage
from tests.faults.hosts.striking import TRUTH
from tests.faults.hosts.whole import Seen, assert_of_use, lasting, look, which

_FRESH = count(1)
# A test host has no NAT setting, so that its plan has no step that moves one.
PLAIN = tuple(step for step in STEPS[SUBNET] if step != "nat_rules")


@attrs.define
class Job:
    """A subnet change on one host, with the host as it was before."""

    stage: Stage
    host: LabHost
    subnet: str
    before: Seen
    change: Change
    begun: float = 0.0

    def approve(self) -> None:
        """Let it begin; from now on its time counts."""
        self.begun = time.time()
        self.stage.approve(self.change)

    def wait_at(self, step: str, point: str, wait_s: float) -> None:
        """Order the job to wait for so long when it comes to that point; LAST: after its steps."""
        number = 0 if step == LAST else PLAIN.index(step) + 1
        fault_order(self.host, {"step": number, "point": point, "act": f"sleep-{wait_s:g}"})

    def gone_back(self, timeout_s: float) -> float:
        """Wait until the host itself is as it was, whatever the site knows; return the seconds."""
        begun = time.monotonic()
        while lasting(look(self.host)) != lasting(self.before):
            assert time.monotonic() - begun < timeout_s, "the host did not go back"
            time.sleep(0.3)
        return time.monotonic() - begun

    def proved(self, timeout_s: float = 120.0) -> str:
        """Wait for its end and prove that the host is whole, the site true, the history complete.

        Returns the state: succeeded or rolled_back.
        """
        ended = self.stage.ended(self.change, timeout_s)
        self.begun = time.time() - self.begun
        after = look(self.host)
        found = which(self.before, after, self.subnet)
        events = self.stage.events(self.change)
        assert ended["state"] == TRUTH[found], (found, ended["state"], events[-1]["message"])
        assert_of_use(self.host, after, PORTS)
        return str(ended["state"])

    @property
    def took_s(self) -> float:
        """Seconds from the approval to the end, once it is proved."""
        return self.begun


def job_asked(stage: Stage, host: LabHost, **more: Any) -> Job:
    """A subnet change that waits for its approval."""
    subnet = f"10.95.{next(_FRESH)}.0/24"
    before = look(host)
    change = stage.ask(host, SUBNET, {"network": "bridge", "subnet": subnet}, **more)
    steps = change["plan"]["steps"]
    assert len(steps) == len(PLAIN), [step["title"] for step in steps]
    return Job(stage, host, subnet, before, change)


def job_amid(
    stage: Stage, host: LabHost, step: str, point: str = "in", wait_s: float = 2.0, **more: Any
) -> Job:
    """A subnet change that has come to `point` of `step` and waits there for `wait_s` seconds."""
    job = job_asked(stage, host, **more)
    job.wait_at(step, point, wait_s)
    job.approve()
    fault_struck(host)
    return job


def jobs_amid(
    stage: Stage,
    hosts: Sequence[LabHost],
    step: str,
    happens: Callable[[], None],
    point: str = "in",
    **more: Any,
) -> list[Job]:
    """A job on each host, all at that point, when `happens` is called."""
    jobs = [job_asked(stage, host, **more) for host in hosts]
    for job in jobs:
        job.wait_at(step, point, 2.0)
    for job in jobs:
        job.approve()
    for job in jobs:
        fault_struck(job.host)
    happens()
    return jobs
