"""A real host with the real agent, and the site's end of its wire."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest

from hosts.bundle import bundle_check, enroll_command
from lab.host import LabHost
from netops.agent.config import AgentConfig
from netops.engine.errors import OperationFailed
from netops.engine.plan import Plan
from netops.wire import ApplyRequest, ObservationReport, ObserveRequest, PlanReport, PlanRequest
from tests.agent.broker import Broker
from tests.agent.enrol_server import EnrolServer
from tests.agent.site import Site, wait_until


@attrs.frozen
class Enrolled:
    """A host that shall be enrolled, the site's end of its wire, and the server of the archive."""

    host: LabHost
    site: Site
    server: EnrolServer

    def line(self, token: str = "") -> str:
        """A fresh enrolment line."""
        token = token or secrets.token_urlsafe(16)
        self.server.configs[token] = self.site.config
        return enroll_command(self.server.url, token)

    def enrol(self) -> str:
        """Run a fresh line on the host, wait for its first report; return what the line printed."""
        count = len(self.reports("start"))
        done = self.host.run(self.line(), timeout=120)
        wait_until(lambda: len(self.reports("start")), lambda n: n > count, 30)
        return str(done.stdout)

    def reports(self, cause: str) -> list[ObservationReport]:
        """The reports of that cause so far."""
        return [r for r in self.site.said(ObservationReport) if r.cause == cause]

    def answers(self, timeout_s: float = 30.0) -> ObservationReport:
        """Ask for an observation and return it."""
        request_id = secrets.token_hex(4)
        self.site.send(ObserveRequest(request_id))
        found = wait_until(
            lambda: [r for r in self.reports("requested") if r.request_id == request_id],
            bool,
            timeout_s,
        )
        return found[0]

    def plan(self, subnet: str) -> Plan:
        """The host's plan for a new subnet of docker0."""
        count = len(self.site.said(PlanReport))
        spec = {"network": "bridge", "subnet": subnet}
        self.site.send(PlanRequest(7, 1, "subnet", dict(spec)))
        report = self.site.wait_for(PlanReport, count + 1, 30)[-1]
        assert report.plan is not None, report.error
        return report.plan

    def start_job(self, plan: Plan) -> str:
        """Send the job of a plan; return its id."""
        job_id = secrets.token_hex(16)
        expires_at = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
        self.site.send(ApplyRequest(job_id, 7, plan.kind, plan.spec, plan, expires_at))
        return job_id


@contextmanager
def enrolling_on(address: str, folder: Path) -> Iterator[Callable[[LabHost], Enrolled]]:
    """Serve a broker and the archive at `address`; gives what makes a host an Enrolled."""
    try:
        bundle_check()
    except OperationFailed as error:
        pytest.skip(str(error))
    host_id = secrets.token_hex(6)
    broker = Broker(folder, host_id, address)
    broker.start()
    try:
        with EnrolServer(address) as server:
            key = secrets.token_hex(32)
            config = AgentConfig(host_id, "h", server.url, broker.host_url, key)
            yield lambda host: Enrolled(host, Site(broker, config), server)
    finally:
        broker.stop()
