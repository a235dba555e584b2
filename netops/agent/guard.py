"""The guard of one job: armed before its first step, outlives the worker, brings it to its end.

It holds the job lock, starts the process that carries the job out and never touches the host
itself. If that process dies, hangs or is cancelled, if the time is up, or if the site does not
confirm over a fresh connection within the window, it has the journal undone. The carrying process
ends with its guard (PR_SET_PDEATHSIG), so that no step is ever done unguarded; what then is left,
also after a loss of power, is settled by the next guard, which the worker starts.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

from netops.agent.child import child_argv
from netops.agent.config import AgentConfig, Place, config_load
from netops.agent.jobs import UNFINISHED, JobFolder, expired, job_find, jobs_all, now_text
from netops.agent.lock import job_lock
from netops.agent.orders import Ask, Orders, boot_clock, boot_id
from netops.agent.telling import TellingLog, job_end
from netops.engine.errors import DockernetError, Refused
from netops.engine.journal import Journal, Outcome
from netops.engine.steps import needs_finish
from netops.wire import TO_SITE, ApplyRequest, ConfirmAsk, seal

_PR_SET_PDEATHSIG = 1
SETTLE_PAUSES_S = (0.0, 2.0, 10.0)
POLL_S = 0.02
ASK_AGAIN_S, ASK_FAILED_S, CONNECT_S = 5.0, 0.5, 2.0
FINISH_S = 30.0
_libc = ctypes.CDLL(None)


def guard(place: Place, job_id: str, pipe: int) -> None:
    """Bring a job to its end, from wherever it stands; returns at once if it has ended.

    `pipe` gets a line for each event. Raises Refused if there is no such job, or while another
    process changes this host.
    """
    folder = job_find(place.jobs, job_id)
    if folder is None:
        raise Refused("unknown-job", f"This host has no job {job_id}.")
    with job_lock(place.lock) as lock:
        if not folder.ended:
            _Guard(place, folder, pipe, lock).run()


class _Guard:
    def __init__(self, place: Place, folder: JobFolder, pipe: int, lock: int) -> None:
        self._place = place
        self._folder = folder
        self._pipe = pipe
        self._lock = lock
        self._request: ApplyRequest = folder.request()
        self._journal = Journal(folder.path / "journal")
        self._orders = Orders(folder.path)
        self._until = time.monotonic() + self._request.time_limit_s

    def run(self) -> None:
        with contextlib.suppress(OSError):  # A full disk keeps no host from going back.
            self._arm()
        self._finish_others()
        why = ""
        last = self._folder.last
        fresh = last is not None and last.seq == 1 and not self._journal.exists
        if fresh and not expired(self._request.expires_at):
            why = self._child("apply", self._until - time.monotonic())
        if self._may_be_confirmed() and not why:
            why = self._confirmed()
        for pause_s in SETTLE_PAUSES_S:
            if self._folder.ended:
                return
            time.sleep(pause_s)
            self._child("settle", self._request.time_limit_s, why)
            if self._may_be_confirmed() and not why:
                # Every step was done when its process died: only the confirm is missing.
                why = self._confirmed()
                if why:
                    self._child("settle", self._request.time_limit_s, why)

    def _arm(self) -> None:
        """Leave word of this guard on the disk, for people and for the next guard."""
        text = {"pid": os.getpid(), "armed_at": now_text(), "limit_s": self._request.time_limit_s}
        with (self._folder.path / "guard.json").open("w") as file:
            json.dump(text, file)
            file.flush()
            os.fsync(file.fileno())

    def _finish_others(self) -> None:
        """Let go of what an earlier job could not, when it was confirmed: see `_finish`."""
        for job in jobs_all(self._place.jobs):
            if job.ended and (job.path / UNFINISHED).exists():
                self._child("finish", FINISH_S, job_id=job.job_id)

    def _finish(self) -> None:
        """Let go of what only the way back needed, now that there is none any more.

        The mark is on the disk before: whoever comes next tries again.
        """
        snapshot = self._journal.snapshot()
        if snapshot is None or not needs_finish(snapshot.plan):
            return
        with contextlib.suppress(OSError):
            (self._folder.path / UNFINISHED).touch()
        self._child("finish", FINISH_S)

    def _may_be_confirmed(self) -> bool:
        """True if all is done, nothing was undone yet, and the host was not booted since; what was
        confirmed before is kept even then."""
        journal = self._journal
        if self._folder.ended or journal.held is None or journal.turned_back:
            return False
        if journal.outcome() is not None or self._orders.confirmed_by:
            return True
        snapshot = journal.snapshot()
        return snapshot is not None and snapshot.boot_id == boot_id()

    def _child(self, what: str, limit_s: float, why: str = "", *, job_id: str = "") -> str:
        """Run `work WHAT`; return why it did not come to its own end, "" if it did."""
        job_id = job_id or self._folder.job_id
        argv = child_argv(self._place, what, job_id, *([why] if why else []))
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=self._pipe,
            cwd="/",
            start_new_session=True,
            pass_fds=(self._lock,),
            preexec_fn=_die_with(os.getpid()),
        )
        if what == "apply":
            with contextlib.suppress(ImportError):
                import redis  # noqa: F401 - it takes a while, and the last step shall not wait
        try:
            child.wait(max(limit_s, 1.0))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            return f"The job's time of {limit_s:.0f} s was up."
        return ""

    def _confirmed(self) -> str:
        """As `_confirm`; what keeps this host from asking is a reason to go back."""
        try:
            return self._confirm()
        except (DockernetError, OSError) as error:
            if self._orders.confirmed_by:
                return ""  # It stays; its end is written by the next look at the journal.
            return f"It could not be confirmed: {error}"

    def _confirm(self) -> str:
        """Ask the site, end the job if it confirms in time; return why not, "" if it did."""
        held = self._journal.held
        assert held is not None
        by = self._orders.confirmed_by
        if not by:
            ask = self._ask_begin()
            by = self._wait_for_confirm(ask)
        if not by:
            return self._orders.cancelled or self._not_confirmed()
        self._finish()
        with self._events() as events:
            done = held.message.removesuffix(".")
            message = f"{done}, and {by} confirmed it."
            if by == "site":
                message = f"{done}, and the site confirmed it over a fresh connection."
            outcome = Outcome(held.state, message, held.outage_s, held.containers)
            with contextlib.suppress(OSError):
                self._journal.finish(outcome)
            job_end(events, outcome)
        return ""

    def _not_confirmed(self) -> str:
        window = f"{self._request.confirm_window_s:.0f} s"
        if self._request.confirm == "person":
            return f"Nobody confirmed within {window}."
        return f"The site did not confirm over a fresh connection within {window}."

    def _ask_begin(self) -> Ask:
        fresh = self._orders.asked is None
        ask = self._orders.ask_begin(self._request.confirm_window_s)
        if fresh:
            left = ask.until - boot_clock()
            message = (
                f"Every step is done and proved. A person has {left:.0f} s to confirm, "
                "or the host goes back."
                if self._request.confirm == "person"
                else f"Every step is done and proved. The site has {left:.0f} s to confirm, "
                "or the host goes back."
            )
            with self._events() as events:
                events("state", message, state="running", confirm=self._request.confirm,
                       confirm_window_s=round(left, 1))  # fmt: skip
        return ask

    def _wait_for_confirm(self, ask: Ask) -> str:
        """Return who confirmed in time, "" if nobody did or the job was cancelled."""
        config, next_ask = config_load(self._place.config), 0.0
        while (left := ask.until - boot_clock()) > 0:
            by = self._orders.confirmed_by
            if by or self._orders.cancelled_by:
                return by
            if time.monotonic() >= next_ask:
                sent = _ask(config, ConfirmAsk(self._folder.job_id, ask.nonce, round(left, 1)))
                next_ask = time.monotonic() + (ASK_AGAIN_S if sent else ASK_FAILED_S)
            time.sleep(POLL_S)
        return self._orders.confirmed_by

    @contextlib.contextmanager
    def _events(self) -> Any:
        events = TellingLog(self._folder, self._request.change_id, self._pipe)
        try:
            yield events
        finally:
            events.close()


def _ask(config: AgentConfig, question: ConfirmAsk) -> bool:
    """Send over a connection of its own; False if it does not get through.

    The answer comes by the host's queue, so that it proves the way there and back.
    """
    import redis

    from netops.agent.stream import Stream

    stream = Stream(config, timeout_s=max(0.2, min(CONNECT_S, question.left_s)))
    try:
        stream.add(seal(config.key, TO_SITE, config.host_id, question))
    except (redis.RedisError, OSError):
        return False
    finally:
        stream.close()
    return True


def _die_with(parent: int) -> Callable[[], None]:
    """Return what makes a child end with `parent` (prctl(2)), to be run before exec."""

    def die() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return die
