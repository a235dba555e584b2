"""The site's end of the wire, for the tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from celery import Celery
from kombu.entity import Exchange, Queue

from netops.agent.config import AgentConfig
from netops.engine.plan import Plan, digest_of
from netops.wire import (
    TASK,
    TO_HOST,
    TO_SITE,
    ApplyRequest,
    ConfirmAsk,
    ConfirmGiven,
    JobEvent,
    open_sealed,
    queue_name,
    seal,
    stream_name,
)
from tests.agent.broker import Broker

B = TypeVar("B")


class Site:
    """Puts messages into the host's queue and reads what the host says."""

    def __init__(self, broker: Broker, config: AgentConfig) -> None:
        self.broker = broker
        self.config = config
        self._confirmed: set[str] = set()
        self._app = Celery(broker=broker.site_url, set_as_current=False, fixups=set())
        self._app.conf.broker_transport_options = {"ack_emulation": False, "priority_steps": [0]}
        self._app.conf.task_default_exchange = ""

    def send(self, body: object) -> str:
        """Seal and send; return the text."""
        text = seal(self.config.key, TO_HOST, self.config.host_id, body)
        self.send_text(text)
        return text

    def send_text(self, *args: Any, task: str = TASK) -> None:
        name = queue_name(self.config.host_id)
        queue = Queue(name, Exchange(""), routing_key=name, no_declare=True)
        self._app.send_task(task, list(args), queue=queue)

    def said(self, kind: type[B]) -> list[B]:
        """Everything of one kind that the host has said so far, checked and in order."""
        entries: Any = self.broker.client.xrange(stream_name(self.config.host_id))
        bodies = [
            open_sealed(self.config.key, TO_SITE, self.config.host_id, fields["m"])[1]
            for _, fields in entries
        ]
        return [body for body in bodies if isinstance(body, kind)]

    def wait_for(self, kind: type[B], count: int = 1, timeout_s: float = 20.0) -> list[B]:
        """Wait until the host has said `count` of a kind."""
        return wait_until(lambda: self.said(kind), lambda said: len(said) >= count, timeout_s)

    def wait_for_end(self, job_id: str, timeout_s: float = 20.0) -> list[JobEvent]:
        """Wait for the last event of a job; return all of its events."""

        def ended(events: list[JobEvent]) -> bool:
            return any(e.type == "end" for e in events)

        def events() -> list[JobEvent]:
            self._confirm(job_id)
            return [e for e in self.said(JobEvent) if e.job_id == job_id]

        return wait_until(events, ended, timeout_s)

    def _confirm(self, job_id: str) -> None:
        """Confirm a job that asks for it, once for each question."""
        for ask in self.said(ConfirmAsk):
            if ask.job_id == job_id and ask.nonce not in self._confirmed:
                self._confirmed.add(ask.nonce)
                self.send(ConfirmGiven(job_id, ask.nonce, "site"))


V = TypeVar("V")


def wait_until(read: Callable[[], V], good: Callable[[V], bool], timeout_s: float = 20.0) -> V:
    """Read until it is good; the assertion shows what was read last."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = read()
        if good(value):
            return value
        assert time.monotonic() < deadline, f"still {value!r}"
        time.sleep(0.02)


def plan_of(subnet: str = "192.168.225.0/24") -> Plan:
    """A plan whose digest is right."""
    spec: Any = {"network": "bridge", "subnet": subnet}
    basis: Any = {"daemon": {"version": "20.10.24"}}
    return Plan("subnet", spec, basis, (), (), (), 2.0, digest_of(spec, basis, ()))


def job_of(number: int, *, expires_in_s: float = 60.0, plan: Plan | None = None) -> ApplyRequest:
    """A job whose id is made of `number`."""
    plan = plan or plan_of()
    expires_at = (datetime.now(UTC) + timedelta(seconds=expires_in_s)).isoformat()
    return ApplyRequest(f"{number:032x}", 7, plan.kind, plan.spec, plan, expires_at)
