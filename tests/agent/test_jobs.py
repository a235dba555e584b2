"""The jobs on the host's disk: ids used once, events numbered without a gap through crashes."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from netops.agent.jobs import EventLog, JobFolder, job_create, job_find, jobs_all, jobs_prune
from netops.engine.errors import MessageRejected, Refused
from tests.agent.site import job_of


def test_an_id_is_used_once(tmp_path: Path) -> None:
    request = job_of(1)
    job = job_create(tmp_path / "jobs", request)
    assert job.request() == request
    with pytest.raises(Refused) as refused:
        job_create(tmp_path / "jobs", job_of(1))
    assert refused.value.code == "replayed"
    assert [j.job_id for j in jobs_all(tmp_path / "jobs")] == [job.job_id]


def test_a_disk_that_takes_no_request_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = job_of(1)

    def fsync(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", fsync)
        with pytest.raises(Refused, match="No space") as refused:
            job_create(tmp_path / "jobs", request)
    assert refused.value.code == "busy"
    assert list((tmp_path / "jobs").iterdir()) == []
    assert job_create(tmp_path / "jobs", request).request() == request


def test_a_full_disk_does_not_keep_events_from_being_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_create(tmp_path, job_of(1))

    def write_text(self: Path, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", write_text)
    job.sent_set(3)
    assert job.sent == 0


@pytest.mark.parametrize("job_id", ["", ".", "../x", "a" * 31, "A" * 32, "a" * 32 + "\n"])
def test_an_id_that_is_none_makes_no_folder(tmp_path: Path, job_id: str) -> None:
    request = job_of(1)
    object.__setattr__(request, "job_id", job_id)
    with pytest.raises(MessageRejected):
        job_create(tmp_path / "jobs", request)
    assert list(tmp_path.rglob("*")) == []
    assert job_find(tmp_path, job_id) is None


def test_events_go_on_where_they_stopped_also_after_a_torn_line(tmp_path: Path) -> None:
    job = job_create(tmp_path, job_of(1))
    events = EventLog(job, 7)
    events("state", "one", state="running")
    events("output", "two", step=3)
    events.close()
    with (job.path / "events.jsonl").open("a") as file:
        file.write('{"job_id": "torn')
    assert [e.seq for e in job.events()] == [1, 2]
    again = EventLog(job, 7)
    again("end", "three")
    again.close()
    assert [(e.seq, e.message) for e in job.events(1)] == [(2, "two"), (3, "three")]
    assert job.ended


def test_a_full_disk_stops_nobody_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_create(tmp_path, job_of(1))
    events = EventLog(job, 7)
    events("state", "one")
    real, full = os.pwrite, True

    def pwrite(file: int, data: bytes, offset: int) -> int:
        if not full:
            return real(file, data, offset)
        real(file, data[:10], offset)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", pwrite)
    events("output", "two")
    events("output", "three")
    assert [e.seq for e in job.events()] == [1]
    full = False
    events("end", "four")
    events.close()
    assert [(e.seq, e.message) for e in job.events(1)] == [(2, "two"), (3, "three"), (4, "four")]


def test_a_message_without_end_is_cut(tmp_path: Path) -> None:
    job = job_create(tmp_path, job_of(1))
    events = EventLog(job, 7)
    events("output", "x" * 100_000)
    events.close()
    assert len(job.events()[0].message) == 8000


def test_the_latest_job_is_the_one_that_came_last(tmp_path: Path) -> None:
    """Whatever was written into an older one's folder since."""
    later, earlier = job_create(tmp_path, job_of(1)), job_create(tmp_path, job_of(2))
    for job, at in ((earlier, 100), (later, 200)):
        os.utime(job.path / "request.json", (at, at))
    earlier.sent_set(3)
    assert [job.job_id for job in jobs_all(tmp_path)] == [earlier.job_id, later.job_id]


def test_old_jobs_go_when_they_are_over_and_sent(tmp_path: Path) -> None:
    for number in range(1, 5):
        job = job_create(tmp_path, job_of(number))
        events = EventLog(job, 7)
        events("end" if number != 2 else "output", "")
        events.close()
        if number != 3:
            job.sent_set(1)
        old = time.time() - 1000 + number
        os.utime(job.path, (old, old))
    jobs_prune(tmp_path, kept=1, kept_s=500)
    assert [int(j.job_id, 16) for j in jobs_all(tmp_path)] == [2, 3, 4]
    assert JobFolder(tmp_path / f"{2:032x}").events()
