"""A host as the site sees it: its queue, its stream, its own broker user; no Docker behind it."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any

import redis

from hosts.services import AgentConfig
from netops.engine.observed import Observed
from netops.engine.plan import Plan
from netops.wire import (
    TO_HOST,
    TO_SITE,
    ApplyRequest,
    Heartbeat,
    JobEvent,
    ObservationReport,
    PlanReport,
    open_sealed,
    queue_name,
    seal,
    stream_name,
)


class FakeHost:
    """Speaks the wire with the credentials that enrolment gave."""

    def __init__(self, config: AgentConfig) -> None:
        self.config = config
        self.key = bytes.fromhex(config.secret)
        self.broker = redis.Redis.from_url(config.broker_url, decode_responses=True)

    def receive(self, timeout_s: float = 5.0) -> Any:
        """Return the next message's body, None when none comes in time."""
        found: Any = self.broker.brpop([queue_name(self.config.host_id)], timeout=int(timeout_s))
        if found is None:
            return None
        message = json.loads(found[1])
        args = json.loads(base64.b64decode(message["body"]))[0]
        return open_sealed(self.key, TO_HOST, self.config.host_id, args[0])[1]

    def sealed(self, body: object) -> str:
        """Return a message as this host signs it."""
        return seal(self.key, TO_SITE, self.config.host_id, body)

    def say(self, body: object) -> None:
        """Report something."""
        self.say_text(self.sealed(body))

    def say_text(self, text: str) -> None:
        """Put any text on the host's stream."""
        self.broker.xadd(stream_name(self.config.host_id), {"m": text})

    def beat(self, running_job: str = "") -> None:
        """A heartbeat."""
        self.say(Heartbeat("1.0", "boot-1", running_job))

    def observed(self, observed: Observed, cause: str = "start") -> None:
        """An observation."""
        self.say(ObservationReport(observed, cause))

    def planned(self, change_id: int, plan: Plan, plan_round: int = 1) -> None:
        """A plan."""
        self.say(PlanReport(change_id, plan_round, plan))

    def told(self, job: ApplyRequest, seq: int, type_: str, message: str = "", **data: Any) -> None:
        """An event of a job."""
        self.say(event_of(job, seq, type_, message, **data))


def event_of(job: ApplyRequest, seq: int, type_: str, message: str = "", **data: Any) -> JobEvent:
    """Return an event of a job; `step` in `data` is its step."""
    step, at = data.pop("step", None), datetime.now(UTC).isoformat()
    return JobEvent(job.job_id, job.change_id, seq, at, type_, step, message, data)


def wait_until(read: Any, timeout_s: float = 10.0) -> Any:
    """Return the first true value of `read`; fails when none comes in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = read()
        if value:
            return value
        assert time.monotonic() < deadline, f"still {value!r}"
        time.sleep(0.01)
