"""The hands of the agent without the rest of it: nothing is started, nothing is sent."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netops.agent import given_up
from netops.agent import hands as module
from netops.agent.config import Place
from netops.agent.hands import Hands
from netops.agent.jobs import EventLog, JobFolder, job_create
from netops.engine.errors import MessageRejected, OperationFailed
from netops.wire import JobEvent, PlanReport, PlanRequest
from tests.agent.site import job_of, plan_of, wait_until

RECORDED = Path(__file__).resolve().parents[1] / "engine" / "recorded"


class Heard:
    """In place of the emitter."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def send(self, body: object) -> None:
        self.said.append(body)

    def job_changed(self, job: JobFolder) -> None:
        return


class Bench:
    """Hands whose children do what the test says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = Place(folder / "agent.json", folder / "state")
        self.heard = Heard()
        self.job = job_create(self.place.jobs, job_of(1))
        events = EventLog(self.job, 7)
        events("state", "The host has the job.", state="running")
        events.close(0)
        self.attempts, self.works_at = 0, 10**9
        self.over = threading.Event()
        self.answer: Exception = OperationFailed("Not now.")
        monkeypatch.setattr(module, "SETTLE_PAUSES_S", (0.0, 0.0, 0.0))
        monkeypatch.setattr(module, "SETTLE_AGAIN_S", 0.02)
        monkeypatch.setattr(module, "child_ask", self.ask)
        monkeypatch.setattr(Hands, "_run_guard", self.settle)
        self.hands = Hands(self.place, self.heard)  # type: ignore[arg-type]

    def ask(self, *_: object, **__: object) -> None:
        raise self.answer

    def settle(self, job: JobFolder) -> None:
        if self.over.is_set():
            threading.Event().wait()
        self.attempts += 1
        if self.attempts >= self.works_at:
            events = EventLog(job, 7)
            events("end", "settled", state="rolled_back")
            events.close(0)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    one = Bench(tmp_path, monkeypatch)
    yield one
    one.over.set()


def test_what_cannot_be_settled_is_tried_again_while_the_agent_lives(bench: Bench) -> None:
    bench.works_at = 6
    bench.hands.start()
    assert bench.hands.job == bench.job.job_id  # It serves meanwhile, but takes no other job.
    wait_until(lambda: [bench.hands.job], lambda jobs: jobs == [""])
    events = bench.job.events()
    assert [e.type for e in events] == ["state", "output", "end"]
    assert "tried again" in events[1].message
    assert events[-1].data["state"] == "rolled_back"
    assert bench.attempts == 6


def test_it_is_busy_until_the_journal_is_settled(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLE_AGAIN_S", 60.0)
    bench.hands.start()
    assert bench.hands.job == bench.job.job_id
    wait_until(bench.job.events, lambda events: len(events) == 2)
    assert bench.hands.job == bench.job.job_id
    assert not bench.job.ended


def test_it_gives_up_in_the_end(bench: Bench) -> None:
    bench.hands.start()
    wait_until(lambda: [bench.hands.job], lambda jobs: jobs == [""])
    assert bench.attempts == 3 + module.SETTLE_LATER_TIMES
    assert bench.job.events()[-1].data["state"] == "failed"


def test_a_full_disk_does_not_keep_the_end_from_the_site(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def heard() -> list[JobEvent]:
        return [e for e in bench.heard.said if isinstance(e, JobEvent)]

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        patch.setattr(given_up, "LAST_WORD_S", 0.0)
        bench.hands.start()
        wait_until(heard, lambda events: len(events) == 2, 5)
        # A later start would settle it over whatever another job had done meanwhile.
        assert bench.hands.job == bench.job.job_id
    assert [(e.seq, e.type) for e in heard()] == [(2, "state"), (3, "end")]
    assert heard()[-1].data["state"] == "failed"
    wait_until(lambda: [bench.hands.job], lambda jobs: jobs == [""])
    assert [(e.seq, e.type) for e in bench.job.events(1)] == [(2, "state"), (3, "end")]
    assert len(heard()) == 2
    assert bench.attempts == 3 + module.SETTLE_LATER_TIMES


@pytest.mark.parametrize(
    "error", [MessageRejected("malformed", "No plan."), OSError(errno.EAGAIN, "No plan.")]
)
def test_a_plan_that_cannot_be_made_is_answered(bench: Bench, error: Exception) -> None:
    bench.works_at = 1
    bench.answer = error
    bench.hands._plan(PlanRequest(7, 1, "subnet", plan_of().spec))
    (report,) = bench.heard.said
    assert isinstance(report, PlanReport)
    assert report.plan is None
    assert "No plan." in report.error


def test_all_that_wait_get_one_observation(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.loads((RECORDED / "sysv.json").read_text())
    monkeypatch.setattr(module, "child_ask", lambda *_, **__: data)
    for number in range(30):
        bench.hands.observe(f"r{number}")
    bench.hands._next()()
    assert [(r.cause, r.request_id) for r in bench.heard.said] == [("requested", "r29")]
    bench.hands._observe("periodic")
    assert [(r.cause, r.request_id) for r in bench.heard.said[1:]] == [("periodic", "")]
