"""The guard of a job: a process of its own, over processes that stand in for the engine's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from netops.agent.config import AgentConfig, Place
from netops.agent.jobs import EventLog, JobFolder, job_create
from netops.agent.lock import job_lock_held
from netops.agent.orders import Orders
from netops.engine.errors import Refused
from netops.engine.journal import Journal
from netops.engine.serial import to_json
from netops.wire import TO_SITE, ConfirmAsk, open_sealed, stream_name
from tests.agent.broker import Broker
from tests.agent.conftest import HOST_ID, ROOT
from tests.agent.site import job_of, wait_until

_RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv.pop(1))
from netops.agent import child
child._PROGRAM = Path(sys.argv.pop(1))
from netops.agent import guard
guard.SETTLE_PAUSES_S = (0.0, 0.1, 0.1)
from netops.agent.config import Place
guard.guard(Place(Path(sys.argv[1]), Path(sys.argv[2])), sys.argv[3], 1)
"""
KEY = "ab" * 32


class Guarded:
    """A job on a host's disk, and its guard in a process of its own."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.broker = broker
        self.place = Place(folder / "agent.json", folder / "state")
        self.place.state.mkdir()
        config = AgentConfig(HOST_ID, "h1", "http://127.0.0.1:1", broker.host_url, KEY)
        self.place.config.write_text(json.dumps(to_json(config)))
        self.guard: subprocess.Popen[bytes] | None = None

    def job(
        self,
        *,
        window_s: float = 30.0,
        limit_s: float = 30.0,
        expires_in_s: float = 60.0,
        **behaviour: Any,
    ) -> JobFolder:
        """Take a job, and say what its processes do."""
        (self.place.state / "behaviour.json").write_text(json.dumps(behaviour))
        request = job_of(1, expires_in_s=expires_in_s)
        request = evolve(request, confirm_window_s=window_s, time_limit_s=limit_s)
        folder = job_create(self.place.jobs, request)
        events = EventLog(folder, 7)
        events("state", "The host has the job.", state="running")
        events.close()
        return folder

    def start(self, job: JobFolder) -> subprocess.Popen[bytes]:
        """Start a guard."""
        stand_in = str(Path(__file__).with_name("steps_stand_in.py"))
        argv = [sys.executable, "-I", "-c", _RUN, str(ROOT), stand_in]
        argv += [str(self.place.config), str(self.place.state), job.job_id]
        self.guard = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        return self.guard

    def calls(self) -> list[str]:
        """What was started, with its reason."""
        path = self.place.state / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def asks(self) -> list[ConfirmAsk]:
        """What came to the site."""
        entries: Any = self.broker.client.xrange(stream_name(HOST_ID))
        key = bytes.fromhex(KEY)
        bodies = [open_sealed(key, TO_SITE, HOST_ID, fields["m"])[1] for _, fields in entries]
        return [body for body in bodies if isinstance(body, ConfirmAsk)]

    def asked(self) -> ConfirmAsk:
        """Wait for the question."""
        return wait_until(self.asks, bool)[0]

    def end(self) -> None:
        """No process of this test stays."""
        if self.guard is not None and self.guard.poll() is None:
            self.guard.kill()
            self.guard.wait(10)


@pytest.fixture
def guarded(tmp_path: Path, broker: Broker) -> Iterator[Guarded]:
    one = Guarded(tmp_path, broker)
    yield one
    one.end()


def told(job: JobFolder) -> tuple[str, str]:
    """(state, message) of the last event, which is the end and the only one."""
    events = job.events()
    assert [e.type for e in events].count("end") == 1
    assert [e.seq for e in events] == list(range(1, len(events) + 1))
    return str(events[-1].data["state"]), events[-1].message


def outcome(job: JobFolder) -> str:
    found = Journal(job.path / "journal").outcome()
    assert found is not None
    return found.state


def test_it_keeps_what_the_site_confirms(guarded: Guarded) -> None:
    job = guarded.job()
    process = guarded.start(job)
    ask = guarded.asked()
    assert 0 < ask.left_s <= 30.0
    assert job_lock_held(guarded.place.lock)
    assert not job.ended
    Orders(job.path).confirm(ask.nonce, "site")
    assert process.wait(10) == 0
    state, message = told(job)
    assert state == outcome(job) == "succeeded"
    assert message == "Done and proved, and the site confirmed it over a fresh connection."
    assert guarded.calls() == ["apply"]


def test_it_goes_back_when_nobody_confirms(guarded: Guarded) -> None:
    job = guarded.job(window_s=1.0)
    guarded.start(job).wait(10)
    why = "The site did not confirm over a fresh connection within 1 s."
    assert told(job) == ("rolled_back", why)
    assert guarded.calls() == ["apply", f"settle|{why}"]
    ask = guarded.asked()
    with pytest.raises(Refused, match="too late"):
        Orders(job.path).confirm(ask.nonce, "site")


def test_it_goes_back_when_the_site_cannot_be_reached(guarded: Guarded) -> None:
    guarded.broker.stop()
    job = guarded.job(window_s=1.5)
    guarded.start(job).wait(15)
    assert told(job)[0] == outcome(job) == "rolled_back"


def test_it_waits_for_a_broker_that_comes_back_in_time(guarded: Guarded) -> None:
    guarded.broker.stop()
    job = guarded.job()
    process = guarded.start(job)
    wait_until(lambda: Orders(job.path).asked, bool)
    guarded.broker.start()
    Orders(job.path).confirm(guarded.asked().nonce, "site")
    assert process.wait(10) == 0
    assert told(job)[0] == "succeeded"


def test_it_takes_no_confirm_of_another_question(guarded: Guarded) -> None:
    job = guarded.job(window_s=2.0)
    process = guarded.start(job)
    guarded.asked()
    with pytest.raises(Refused, match="no question"):
        Orders(job.path).confirm("00" * 16, "site")
    process.wait(10)
    assert told(job)[0] == "rolled_back"


@pytest.mark.parametrize("settle", ["", "dies"])
def test_it_settles_what_its_process_left(guarded: Guarded, settle: str) -> None:
    job = guarded.job(apply="dies", settle=settle)
    guarded.start(job).wait(10)
    assert told(job) == ("rolled_back", "It was cut short.")
    assert guarded.calls() == ["apply", "settle", *(["settle"] if settle else [])]


def test_it_ends_what_takes_too_long(guarded: Guarded) -> None:
    job = guarded.job(apply="hangs", limit_s=1.0)
    guarded.start(job).wait(10)
    assert told(job) == ("rolled_back", "The job's time of 1 s was up.")
    assert gone(int((job.path / "hangs").read_text()))


def test_it_adds_nothing_to_a_job_that_failed_by_itself(guarded: Guarded) -> None:
    job = guarded.job(apply="fails")
    guarded.start(job).wait(10)
    assert told(job) == ("rolled_back", "Step 1 failed.")
    assert guarded.calls() == ["apply"]
    assert guarded.asks() == []


def test_it_goes_back_when_it_is_cancelled_before_the_confirm(guarded: Guarded) -> None:
    job = guarded.job()
    process = guarded.start(job)
    guarded.asked()
    Orders(job.path).cancel("alice")
    process.wait(10)
    assert told(job) == ("rolled_back", "alice cancelled the job.")


def test_its_process_ends_with_it_and_the_next_guard_settles(guarded: Guarded) -> None:
    job = guarded.job(apply="hangs")
    process = guarded.start(job)
    pid = wait_until(lambda: _number(job.path / "hangs"), bool)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    wait_until(lambda: gone(pid), bool)
    assert not job.ended
    guarded.start(job).wait(10)
    assert told(job) == ("rolled_back", "It was cut short.")
    assert guarded.calls() == ["apply", "settle"]


def test_the_next_guard_goes_on_with_the_same_question(guarded: Guarded) -> None:
    job = guarded.job()
    process = guarded.start(job)
    ask = guarded.asked()
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    second = guarded.start(job)
    later = wait_until(guarded.asks, lambda asks: len(asks) > 1)[-1]
    assert later.nonce == ask.nonce
    assert later.left_s <= ask.left_s
    Orders(job.path).confirm(ask.nonce, "site")
    assert second.wait(10) == 0
    assert told(job)[0] == outcome(job) == "succeeded"
    assert guarded.calls() == ["apply"]


def test_a_confirm_that_came_before_the_guard_died_counts(guarded: Guarded) -> None:
    job = guarded.job(window_s=5.0)
    process = guarded.start(job)
    ask = guarded.asked()
    os.kill(process.pid, signal.SIGSTOP)
    Orders(job.path).confirm(ask.nonce, "bob")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    guarded.start(job).wait(10)
    assert told(job) == ("succeeded", "Done and proved, and bob confirmed it.")


def test_after_a_boot_it_asks_for_no_confirm_and_goes_back(guarded: Guarded) -> None:
    # What has no restart policy does not run after a boot, and only the way back starts it.
    job = guarded.job(apply="holds before a boot")
    guarded.start(job).wait(10)
    assert told(job) == ("rolled_back", "It was cut short.")
    assert guarded.asks() == []
    assert guarded.calls() == ["apply", "settle"]


def test_it_does_nothing_for_a_job_that_has_ended(guarded: Guarded) -> None:
    job = guarded.job(apply="fails")
    guarded.start(job).wait(10)
    before = job.events()
    guarded.start(job).wait(10)
    assert job.events() == before
    assert guarded.calls() == ["apply"]


def test_it_starts_nothing_that_has_expired_meanwhile(guarded: Guarded) -> None:
    job = guarded.job(expires_in_s=-1.0)
    guarded.start(job).wait(10)
    assert told(job)[0] == "rolled_back"
    assert guarded.calls() == ["settle"]


def test_it_goes_back_when_it_cannot_even_ask(guarded: Guarded) -> None:
    job = guarded.job()
    guarded.place.config.unlink()
    guarded.start(job).wait(10)
    state, message = told(job)
    assert state == outcome(job) == "rolled_back"
    assert message.startswith("It could not be confirmed: ")


def test_a_disk_that_takes_no_word_of_it_keeps_no_host_from_going_back(guarded: Guarded) -> None:
    job = guarded.job(apply="dies")
    (job.path / "guard.json").mkdir()  # Nothing can be written there, as on a full disk.
    guarded.start(job).wait(10)
    assert told(job) == ("rolled_back", "It was cut short.")


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    time.sleep(0.02)
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")


def _number(path: Path) -> int:
    text = path.read_text() if path.exists() else ""
    return int(text) if text else 0
