"""What the agent does to its host, one thing after another, each in a child process.

A job is done as soon as what runs has ended; looking and planning wait until it is over, so that
nothing is reported of a host in the middle of a change.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable

from netops.agent.child import child_ask, child_start
from netops.agent.config import Place
from netops.agent.emitter import Emitter
from netops.agent.given_up import job_events, job_give_up
from netops.agent.jobs import JobFolder, jobs_all, jobs_prune
from netops.agent.keeper import Keeper
from netops.agent.lock import job_lock_held
from netops.agent.pace import Pace, children_cpu_s
from netops.agent.unfinished import finish_ended
from netops.engine.errors import DockernetError
from netops.engine.observed import Observed
from netops.engine.plan import Plan
from netops.engine.serial import from_json, to_json
from netops.wire import JobRefused, ObservationReport, PlanReport, PlanRequest

log = logging.getLogger(__name__)
LOOK_S = 60.0
SETTLE_PAUSES_S = (0.0, 5.0, 30.0)
SETTLE_AGAIN_S, SETTLE_LATER_TIMES = 300.0, 12


class Hands:
    """Runs on a thread of its own after `start`; the other methods only say what is to be done."""

    def __init__(self, place: Place, emitter: Emitter) -> None:
        self._place = place
        self._emitter = emitter
        self._wake = threading.Condition()
        self._tasks: deque[Callable[[], None]] = deque()
        self._asked: list[str] = []
        self._pace = Pace()
        self._keeper = Keeper(place)
        self._reported = ""
        self._job = ""
        self._unsettled: dict[str, int] = {}  # {job id: how often it is still tried}
        self._settle_at = 0.0
        self._left_behind: list[str] = []  # Ids of an earlier run's jobs, not looked at yet.
        # Called with False while a job may stop Docker: see Observer.hear_docker.
        self.hear_docker: Callable[[bool], None] = lambda heard: None
        self._thread = threading.Thread(target=self._run, name="hands", daemon=True)

    def start(self) -> None:
        """Settle what an earlier run left unfinished, report what the host is, then serve.

        Messages may come from now on, and must: a job that is left wants its confirm. New jobs are
        refused until all are settled.
        """
        for job in jobs_all(self._place.jobs):
            if job.was_lost:
                log.error("job %s was lost before it began", job.job_id)
                shutil.rmtree(job.path, ignore_errors=True)
        unfinished = [job for job in jobs_all(self._place.jobs) if not job.ended]
        self._left_behind = [job.job_id for job in unfinished]
        self._job = next(iter(self._left_behind), "")
        for job in unfinished:
            self._tasks.append(lambda job=job: self._settle(job))  # type: ignore[misc]
        self._tasks.append(self._ready)
        self._thread.start()

    @property
    def job(self) -> str:
        """The id of the job that is waiting, running or not settled yet, "" if there is none."""
        return self._job

    def observe(self, request_id: str) -> None:
        """Look at the host and report, for a request of the site."""
        with self._wake:
            self._asked.append(request_id)
            self._wake.notify()

    def changed(self) -> None:
        """The host has changed somehow: look, and report if it matters."""
        with self._wake:
            self._pace.changed()
            self._keeper.due_soon()
            self._wake.notify()

    def rules_changed(self) -> None:
        """Somebody wrote firewall rules: see that ours are there."""
        with self._wake:
            if self._keeper.look_due():
                self._pace.changed()
        self.docker_changed()

    def docker_changed(self) -> None:
        """Docker told of an event: see that our rules lead where its containers are now."""
        with self._wake:
            self._keeper.due_soon()
            self._wake.notify()

    def plan(self, request: PlanRequest) -> None:
        """Make a plan and report it."""
        self._append(lambda: self._plan(request))

    def carry_out(self, job: JobFolder) -> None:
        """Carry out a job whose id has been used up and whose first event is on disk."""
        with self._wake:
            self._job = job.job_id
            self._tasks.appendleft(lambda: self._carry_out(job))
            self._wake.notify()

    def _append(self, task: Callable[[], None]) -> None:
        with self._wake:
            self._tasks.append(task)
            self._wake.notify()

    def _run(self) -> None:
        while True:
            task = self._next()
            task()

    def _next(self) -> Callable[[], None]:
        with self._wake:
            while True:
                if self._tasks:
                    return self._tasks.popleft()
                keep_s = self._keeper.due()
                if keep_s <= 0:
                    return self._keep
                if self._asked:
                    return lambda: self._observe("requested")
                cause, wait_s = self._pace.due()
                wait_s = min(wait_s, keep_s)
                if self._unsettled:
                    settle_s = self._settle_at - time.monotonic()
                    if settle_s <= 0:
                        return self._settle_again
                    wait_s = min(wait_s, settle_s)
                if cause:
                    return lambda: self._observe(cause)
                self._wake.wait(wait_s)

    def _ready(self) -> None:
        jobs_prune(self._place.jobs)
        self._keep()
        self._observe("start")

    def _keep(self) -> None:
        """Put back what was lost of our rules, and say so; not while a job is unsettled."""
        if self._job:
            return self._keeper.later()
        told = self._keeper.restore()
        if told is not None:
            self._emitter.send(told)
            with self._wake:
                self._pace.changed()
        return None

    def _observe(self, cause: str) -> None:
        with self._wake:
            asked, self._asked = self._asked, []
            self._pace.looking()
        begun = children_cpu_s()
        try:
            data = child_ask(self._place, "observe", timeout_s=LOOK_S)
            observed = from_json(Observed, data)
        except (DockernetError, OSError) as error:
            log.warning("cannot observe this host: %s", error)
            if asked:
                text = f"The host could not be observed: {error}"
                self._emitter.send(JobRefused("observation-failed", text))
            self._pace.looked(children_cpu_s() - begun, different=False)
            return
        self._tell_of_others()
        finish_ended(self._place)
        different = self._differs(observed)
        self._pace.looked(children_cpu_s() - begun, different=different)
        self._keeper.due_soon()
        if asked:
            # One for all that wait: however many ask, the host says what it is once.
            self._emitter.send(ObservationReport(observed, "requested", asked[-1]))
        elif different or cause != "changed":
            self._emitter.send(ObservationReport(observed, cause))

    def _tell_of_others(self) -> None:
        """A person at the console may have undone a job: the site is told of its new events, and
        one that was left half undone is settled."""
        for job in list(jobs_all(self._place.jobs))[-1:]:
            last = job.last
            if last is not None and last.seq > job.sent:
                self._emitter.job_changed(job)
            if not self._job and not job.ended and not job_lock_held(self._place.lock):
                self._append(lambda job=job: self._settle(job))  # type: ignore[misc]

    def _differs(self, observed: Observed) -> bool:
        """True if the host is not what was reported last; the time of looking does not count."""
        data = to_json(observed)
        data.pop("at")
        digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
        different, self._reported = digest != self._reported, digest
        return different

    def _plan(self, request: PlanRequest) -> None:
        plan, error = None, ""
        try:
            data = child_ask(self._place, "plan", to_json(request), timeout_s=LOOK_S)
            plan = from_json(Plan, data)
        except (DockernetError, OSError) as failure:
            log.warning("cannot make a plan: %s", failure)
            error = str(failure)
        self._emitter.send(PlanReport(request.change_id, request.round, plan, error))

    def _carry_out(self, job: JobFolder) -> None:
        self._run_guard(job)
        self._settle(job)
        self._keep()
        self._observe("job")

    def _settle(self, job: JobFolder) -> None:
        """Bring a job to its end when its guard is gone; what fails now is tried again later."""
        self._job = job.job_id
        self._wait_for_other(job)
        for pause_s in SETTLE_PAUSES_S:
            if job.ended:
                break
            time.sleep(pause_s)
            self._run_guard(job)
        if not job.ended:
            self._unsettled[job.job_id] = SETTLE_LATER_TIMES
            self._settle_at = time.monotonic() + SETTLE_AGAIN_S
            every = f"{SETTLE_AGAIN_S / 60:.0f} minutes"
            events = job_events(job)
            events("output", f"The job could not be settled yet; it is tried again in {every}.")
            events.close(0)
        self._leave(job)

    def _settle_again(self) -> None:
        """Try the jobs that could not be settled, each a limited number of times.

        One that is given up stays in the way of other jobs until its end is on disk: the next
        start of the agent would settle it, and undo what others did meanwhile.
        """
        for job_id, left in list(self._unsettled.items()):
            job = JobFolder(self._place.jobs / job_id)
            self._wait_for_other(job)
            if left > 0 and not job.ended:
                self._run_guard(job)
                self._unsettled[job_id] = left - 1
            if left <= 1 and not job.ended:
                for event in job_give_up(job, first=left == 1):
                    self._emitter.send(event)
                self._unsettled[job_id] = 0
            self._leave(job)
        self._settle_at = time.monotonic() + SETTLE_AGAIN_S
        self._observe("job")

    def _leave(self, job: JobFolder) -> None:
        """Send what there is of a job, and be free for others if none is left to be settled."""
        if job.ended:
            self._unsettled.pop(job.job_id, None)
        self._emitter.job_changed(job)
        if job.job_id in self._left_behind:
            self._left_behind.remove(job.job_id)
        self._job = next(iter([*self._left_behind, *self._unsettled]), "")

    def _run_guard(self, job: JobFolder) -> None:
        """Start the guard of a job, which sees it through from wherever it stands, and hear it."""
        self.hear_docker(False)
        try:
            child = child_start(self._place, "guard", job.job_id)
            assert child.stdout is not None
            with child.stdout:
                for _ in child.stdout:
                    self._emitter.job_changed(job)
        finally:
            self.hear_docker(True)
        if child.wait() != 0:
            log.error("the guard of job %s ended with %s", job.job_id, child.returncode)

    def _wait_for_other(self, job: JobFolder) -> None:
        """An earlier worker's child may still be at it: it is let to the end, and heard."""
        while job_lock_held(self._place.lock):
            self._emitter.job_changed(job)
            time.sleep(0.2)
