"""The agent as a whole, over a real broker, with a stand-in for what touches the host."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any, TypeVar, cast

import attrs
import pytest

from netops.agent.orders import Orders
from netops.wire import (
    TASK,
    TO_HOST,
    TO_SITE,
    ConfirmGiven,
    Heartbeat,
    JobEvent,
    JobRefused,
    ObservationReport,
    ObserveRequest,
    PlanReport,
    PlanRequest,
    ResendRequest,
    queue_name,
    seal,
)
from tests.agent.broker import Broker
from tests.agent.conftest import HOST_ID, Agent
from tests.agent.site import Site, job_of, plan_of, wait_until


def test_it_reports_itself_at_start_and_on_request(agent: Agent, site: Site) -> None:
    assert site.wait_for(Heartbeat)[0].running_job == ""
    assert site.wait_for(ObservationReport)[0].cause == "start"
    site.send(ObserveRequest("r1"))
    report = site.wait_for(ObservationReport, 2)[1]
    assert (report.cause, report.request_id) == ("requested", "r1")


def test_it_answers_a_plan_request_and_says_why_there_is_no_plan(agent: Agent, site: Site) -> None:
    site.send(PlanRequest(7, 1, "subnet", plan_of().spec))
    assert site.wait_for(PlanReport)[0] == PlanReport(7, 1, plan_of())
    agent.behave(plan={"error": "The subnet is none."})
    site.send(PlanRequest(7, 2, "subnet", {}))
    assert site.wait_for(PlanReport, 2)[1] == PlanReport(7, 2, None, "The subnet is none.")


def test_it_carries_out_a_job_once_and_numbers_its_events(agent: Agent, site: Site) -> None:
    job = job_of(1)
    text = site.send(job)
    events = site.wait_for_end(job.job_id)
    assert [e.seq for e in events] == [1, 2, 3, 4, 5]
    assert events[0].type == "state"
    assert events[0].data == {"state": "running"}
    assert events[-1].data["state"] == "succeeded"
    causes = [
        r.cause
        for r in wait_until(
            lambda: site.said(ObservationReport), lambda said: said[-1].cause == "job"
        )
    ]
    assert "changed" not in causes
    site.send_text(text)
    assert site.wait_for(JobRefused)[0].code == "replayed"
    assert agent.calls() == [f"guard {job.job_id}"]


def test_it_is_denied_nothing_by_the_broker_and_touches_its_own_keys_alone(
    agent: Agent, site: Site, broker: Broker
) -> None:
    site.send(job_of(1))
    site.wait_for_end(job_of(1).job_id)
    assert broker.denied() == []
    assert set(broker.client.keys("*")) <= {f"dn:{HOST_ID}:q", f"dn:{HOST_ID}:ev"}


T = TypeVar("T")


def _altered(value: T, **fields: object) -> T:
    return cast(T, attrs.evolve(cast(Any, value), **fields))


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"expires_at": "2020-01-01T00:00:00+00:00"}, "expired"),
        ({"expires_at": "soon"}, "malformed"),
        ({"expires_at": "2030-01-01T00:00:00"}, "malformed"),
        ({"job_id": "../../../etc/cron.d/x"}, "malformed"),
        ({"job_id": "A" * 32}, "malformed"),
        ({"kind": "nat"}, "malformed"),
        ({"spec": {"network": "bridge", "subnet": "10.0.0.0/8"}}, "malformed"),
        ({"plan": _altered(plan_of(), digest="0" * 64)}, "altered"),
        ({"plan": _altered(plan_of(), basis={})}, "altered"),
    ],
)
def test_it_refuses_a_job_that_is_not_right(
    agent: Agent, site: Site, wrong: dict[str, object], code: str
) -> None:
    # Made here and not above: what is made when tests are collected has expired when they run.
    site.send(_altered(job_of(2), **wrong))
    assert site.wait_for(JobRefused)[0].code == code
    _untouched(agent, site)


def test_it_refuses_what_is_not_sealed_for_it(agent: Agent, site: Site) -> None:
    key = site.config.key
    job = job_of(1)
    sealed = seal(key, TO_HOST, HOST_ID, job)
    hostile = {
        "bad-signature": [seal(b"x" * 32, TO_HOST, HOST_ID, job), seal(key, TO_SITE, HOST_ID, job)],
        "foreign": [seal(key, TO_HOST, "ba9876543210", job)],
        "malformed": ["", "no message", "a" * 100, sealed[:-4], "\u0000.\u0000"],
        "unknown-type": [seal(key, TO_HOST, HOST_ID, Heartbeat("1", "b"))],
        "too-long": ["x" * (9 * 1024 * 1024)],
    }
    altered = sealed.replace(sealed[40:44], "AAAA", 1)
    for texts in hostile.values():
        for text in texts:
            site.send_text(text)
    site.send_text(altered)
    site.send_text(None)
    site.send_text()
    site.send_text(sealed, "one too many", task="os.system")
    refused = site.wait_for(JobRefused, 1 + 2 + sum(len(t) for t in hostile.values()))
    assert {r.code for r in refused} <= {*hostile, "malformed", "bad-signature"}
    _untouched(agent, site)


def test_garbage_in_its_queue_costs_a_restart_at_most(
    agent: Agent, site: Site, broker: Broker
) -> None:
    site.wait_for(Heartbeat)
    for garbage in ("", "{", "[]", "null", '{"body": 1}', '{"body": "", "properties": {}}'):
        broker.client.lpush(queue_name(HOST_ID), garbage)
    site.send(ObserveRequest("after"))

    def answered() -> list[str]:
        assert agent.process is not None
        if agent.process.poll() is not None:
            agent.start()  # As its init does.
        return [r.request_id for r in site.said(ObservationReport)]

    wait_until(answered, lambda ids: "after" in ids)


def _untouched(agent: Agent, site: Site) -> None:
    site.send(ObserveRequest("last"))
    wait_until(
        lambda: [r.request_id for r in site.said(ObservationReport)], lambda ids: "last" in ids
    )
    assert agent.calls() == []
    assert site.said(JobEvent) == []
    jobs = agent.place.jobs
    assert not jobs.exists() or list(jobs.iterdir()) == []


def test_it_refuses_a_second_job_while_one_runs(agent: Agent, site: Site) -> None:
    agent.behave(outputs=5, pause_s=0.3)
    site.send(job_of(1))
    site.wait_for(JobEvent)
    site.send(job_of(2))
    refused = site.wait_for(JobRefused)[0]
    assert (refused.code, refused.job_id) == ("busy", job_of(2).job_id)
    assert site.wait_for_end(job_of(1).job_id)[-1].data["state"] == "succeeded"
    assert agent.calls() == [f"guard {job_of(1).job_id}"]
    assert not (agent.place.jobs / job_of(2).job_id).exists()


def test_it_settles_a_job_whose_process_died(agent: Agent, site: Site) -> None:
    agent.behave(apply="dies")
    site.send(job_of(1))
    events = site.wait_for_end(job_of(1).job_id)
    assert [e.seq for e in events] == [1, 2, 3, 4, 5]
    assert (events[-1].message, events[-1].data["state"]) == ("settled", "rolled_back")
    assert agent.calls() == [f"guard {job_of(1).job_id}", f"guard {job_of(1).job_id}"]


def test_a_job_goes_on_when_its_worker_is_killed_and_the_next_worker_tells_it(
    agent: Agent, site: Site
) -> None:
    agent.behave(outputs=8, pause_s=0.3)
    site.send(job_of(1))
    site.wait_for(JobEvent, 3)
    agent.kill()
    agent.start()
    events = site.wait_for_end(job_of(1).job_id)
    first = {e.seq: e for e in events}
    assert sorted(first) == list(range(1, 11))
    assert first[10].data["state"] == "succeeded"
    assert agent.calls() == [f"guard {job_of(1).job_id}"]


def test_it_settles_what_an_earlier_worker_left_before_it_takes_a_job(
    idle_agent: Agent, site: Site
) -> None:
    idle_agent.start()
    idle_agent.behave(outputs=500, pause_s=0.2)
    site.send(job_of(1))
    site.wait_for(JobEvent, 3)
    pid = _child_of(idle_agent)
    idle_agent.kill()
    os.kill(pid, signal.SIGKILL)
    idle_agent.behave()
    looks = len(site.said(ObservationReport))
    idle_agent.start()
    site.wait_for_end(job_of(1).job_id)
    site.wait_for(ObservationReport, looks + 1)  # It looks when it is free again.
    site.send(job_of(2))
    site.wait_for_end(job_of(2).job_id)
    calls = [f"guard {job_of(1).job_id}", f"guard {job_of(1).job_id}", f"guard {job_of(2).job_id}"]
    assert idle_agent.calls() == calls
    events = {e.seq: e for e in site.said(JobEvent) if e.job_id == job_of(1).job_id}
    assert sorted(events) == list(range(1, max(events) + 1))
    assert events[max(events)].data["state"] == "rolled_back"


def test_it_hears_the_confirm_of_a_job_that_an_earlier_worker_left(
    idle_agent: Agent, site: Site
) -> None:
    idle_agent.start()
    idle_agent.behave(outputs=500, pause_s=0.2)
    site.send(job_of(1))
    site.wait_for(JobEvent, 3)
    pid = _child_of(idle_agent)
    idle_agent.kill()
    idle_agent.start()
    orders = Orders(idle_agent.place.jobs / job_of(1).job_id)
    ask = orders.ask_begin(60.0)
    site.send(ConfirmGiven(job_of(1).job_id, ask.nonce, "site"))
    wait_until(lambda: orders.confirmed_by, lambda by: by == "site")
    site.send(job_of(2))
    assert site.wait_for(JobRefused)[0].code == "busy"
    assert idle_agent.calls() == [f"guard {job_of(1).job_id}"]
    os.kill(pid, signal.SIGKILL)
    site.wait_for_end(job_of(1).job_id)


@pytest.mark.parametrize("request_text", [None, "", '{"job_id": "torn'])
def test_it_starts_although_the_power_went_while_a_job_was_taken(
    idle_agent: Agent, site: Site, request_text: str | None
) -> None:
    lost = idle_agent.place.jobs / job_of(1).job_id
    lost.mkdir(parents=True)
    if request_text is not None:
        (lost / "request.json").write_text(request_text)
    idle_agent.start()
    site.send(ResendRequest(job_of(1).job_id, 0))
    assert site.wait_for(JobRefused)[0].code == "unknown-job"
    site.send(job_of(1))
    assert site.wait_for_end(job_of(1).job_id)[-1].data["state"] == "succeeded"


def _child_of(agent: Agent) -> int:
    assert agent.process is not None
    tasks = Path(f"/proc/{agent.process.pid}/task").glob("*/children")
    return next(int(word) for path in tasks for word in path.read_text().split())


def test_it_sends_events_again_on_request(agent: Agent, site: Site) -> None:
    site.send(job_of(1))
    site.wait_for_end(job_of(1).job_id)
    before = len(site.said(JobEvent))
    site.send(ResendRequest(job_of(1).job_id, 2))
    again = site.wait_for(JobEvent, before + 3)[before:]
    assert [e.seq for e in again] == [3, 4, 5]
    site.send(ResendRequest(job_of(9).job_id, 0))
    refused = site.wait_for(JobRefused)[0]
    assert (refused.code, refused.job_id) == ("unknown-job", job_of(9).job_id)


def test_events_wait_on_disk_while_the_broker_is_away(
    agent: Agent, site: Site, broker: Broker
) -> None:
    agent.behave(outputs=6, pause_s=0.3)
    site.send(job_of(1))
    site.wait_for(JobEvent, 2)
    broker.stop()
    time.sleep(2.5)
    broker.start()
    events = site.wait_for_end(job_of(1).job_id, 40)
    assert sorted({e.seq for e in events}) == list(range(1, 9))
    assert [e.seq for e in events] == sorted(e.seq for e in events)
    site.send(ObserveRequest("after"))
    wait_until(
        lambda: [r.request_id for r in site.said(ObservationReport)],
        lambda ids: "after" in ids,
        40,
    )


def test_events_survive_the_agent_while_the_broker_is_away(
    agent: Agent, site: Site, broker: Broker
) -> None:
    agent.behave(outputs=3, pause_s=0.4)
    site.send(job_of(1))
    site.wait_for(JobEvent)
    broker.stop()
    time.sleep(2.0)
    agent.kill()
    warnings = agent.log.read_text().count("takes no messages")
    agent.start()
    wait_until(lambda: agent.log.read_text().count("takes no messages"), lambda n: n > warnings)
    broker.start()
    events = site.wait_for_end(job_of(1).job_id, 40)
    assert sorted({e.seq for e in events}) == [1, 2, 3, 4, 5]


def test_it_stops_on_sigterm_also_without_a_broker(
    agent: Agent, site: Site, broker: Broker
) -> None:
    site.wait_for(ObservationReport)
    time.sleep(0.5)
    begun = time.monotonic()
    assert agent.kill(signal.SIGTERM) == 0
    assert time.monotonic() - begun < 2
    # What comes while nobody is there is not lost to a BRPOP that is still open.
    site.send(ObserveRequest("later"))
    time.sleep(0.5)
    agent.start()
    wait_until(
        lambda: [r.request_id for r in site.said(ObservationReport)], lambda ids: "later" in ids
    )
    broker.stop()
    time.sleep(1)
    begun = time.monotonic()
    assert agent.kill(signal.SIGTERM) == 0
    assert time.monotonic() - begun < 4


def test_it_says_when_it_is_not_enrolled(idle_agent: Agent) -> None:
    idle_agent.place.config.write_text("{}")
    idle_agent.start()
    assert idle_agent.process is not None
    assert idle_agent.process.wait(10) == 2
    idle_agent.process = None
    assert "cannot be used" in idle_agent.log.read_text()
    assert "Traceback" not in idle_agent.log.read_text()
    assert TASK not in idle_agent.log.read_text()
