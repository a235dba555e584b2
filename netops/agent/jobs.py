"""The jobs of this host on its disk: one folder each, with the request and the numbered events.

The engine's journal lives in the same folder. A folder that exists is a job id used up.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from netops.engine.errors import MessageRejected, Refused
from netops.engine.serial import Json, from_json, to_json
from netops.wire import ApplyRequest, JobEvent

KEPT_JOBS = 200
KEPT_S = 90 * 86_400.0
# A mark in a job's folder: it was confirmed, and what only its way back needed is still there.
UNFINISHED = "unfinished"
_MESSAGE_LENGTH = 8000
_JOB_ID = re.compile(r"[0-9a-f]{32}")


def now_text() -> str:
    """Return the time as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat()


class JobFolder:
    """One job: `request.json`, `events.jsonl` (one JobEvent a line) and `sent` (the last seq that
    the broker took). One process at a time adds events."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.job_id = path.name

    def request(self) -> ApplyRequest:
        """Return what the site asked for; raises OSError or MessageRejected if it is damaged."""
        return from_json(ApplyRequest, json.loads((self.path / "request.json").read_text()))

    @property
    def was_lost(self) -> bool:
        """True if the power went before the request was kept: nothing was ever done for it."""
        if self.last is not None or (self.path / "journal").exists():
            return False
        try:
            self.request()
        except (OSError, ValueError, MessageRejected):
            return True
        return False

    def events(self, after: int = 0) -> list[JobEvent]:
        """Return the events with `seq` above `after`, in order."""
        return [event for event in self._read() if event.seq > after]

    @property
    def last(self) -> JobEvent | None:
        """The latest event, None before the first."""
        return next(iter(reversed(self._read())), None)

    @property
    def ended(self) -> bool:
        """True when nothing will follow."""
        last = self.last
        return last is not None and last.type == "end"

    @property
    def sent(self) -> int:
        """The seq of the last event that the broker took, 0 if none."""
        try:
            return int((self.path / "sent").read_text())
        except (OSError, ValueError):
            return 0

    def sent_set(self, seq: int) -> None:
        """Remember how far the broker has the events; after a crash some go twice, none is lost."""
        part = self.path / "sent.part"
        with contextlib.suppress(OSError):  # A full disk must not silence the host.
            part.write_text(str(seq))
            part.replace(self.path / "sent")

    def _read(self) -> list[JobEvent]:
        try:
            text = (self.path / "events.jsonl").read_text()
        except FileNotFoundError:
            return []
        # What follows the last line break is the torn line of a crash, or one being written.
        return [from_json(JobEvent, json.loads(line)) for line in text.split("\n")[:-1]]


class EventLog:
    """Numbers the events of a job and writes each to disk before anyone hears of it (an `Emit`).

    A disk that takes nothing (full, read-only) must not stop a rollback in the middle: events then
    wait in memory and go to disk with the next one, or at `close`.
    """

    def __init__(self, folder: JobFolder, change_id: int) -> None:
        self.folder = folder
        self._change_id = change_id
        last = folder.last
        self._seq = last.seq if last else 0
        self._waiting = b""
        path = folder.path / "events.jsonl"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._end = self._cut_torn_line()

    def __call__(
        self, kind: str, message: str = "", *, step: int | None = None, **data: Json
    ) -> None:
        """Add an event of type `kind`."""
        self._seq += 1
        event = JobEvent(
            self.folder.job_id,
            self._change_id,
            self._seq,
            now_text(),
            kind,
            step,
            message[:_MESSAGE_LENGTH],
            dict(data),
        )
        line = json.dumps(to_json(event), separators=(",", ":")) + "\n"
        self._waiting += line.encode()
        if self._flush():
            self.written()

    @property
    def unwritten(self) -> list[JobEvent]:
        """The events that the disk has not taken, in order."""
        return [from_json(JobEvent, json.loads(line)) for line in self._waiting.splitlines()]

    def written(self) -> None:
        """Called when events have reached the disk; a place for whoever wants to know."""

    def close(self, timeout_s: float = 60.0) -> None:
        """Let go of the file, after the disk took everything or `timeout_s` seconds have passed."""
        deadline = time.monotonic() + timeout_s
        while self._waiting and not self._flush() and time.monotonic() < deadline:
            time.sleep(1)
        self.written()
        os.close(self._file)

    def _flush(self) -> bool:
        try:
            written = os.pwrite(self._file, self._waiting, self._end)
            if written < len(self._waiting):
                os.ftruncate(self._file, self._end)
                return False
            os.fsync(self._file)
        except OSError:
            return False
        self._end += written
        self._waiting = b""
        return True

    def _cut_torn_line(self) -> int:
        size = os.lseek(self._file, 0, os.SEEK_END)
        keep = os.pread(self._file, size, 0).rfind(b"\n") + 1
        os.ftruncate(self._file, keep)
        return keep


def job_create(root: Path, request: ApplyRequest) -> JobFolder:
    """Use up the id of a job and keep its request, on disk when this returns, whole or not at all.

    Raises MessageRejected for an id that is no id, Refused("replayed") for one used before,
    Refused("busy") when the disk does not take it.
    """
    if not _JOB_ID.fullmatch(request.job_id):
        raise MessageRejected("malformed", "The job id must be 32 hex characters.", "job_id")
    path, fresh = root / request.job_id, root / f".{request.job_id}"
    if path.exists():
        raise Refused("replayed", "This job was given to this host before.")
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        text = json.dumps(to_json(request), separators=(",", ":"))
        with (fresh / "request.json").open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(fresh)
        fresh.rename(path)
        _sync_folder(root)
    except OSError as error:
        for folder in (fresh, path):
            shutil.rmtree(folder, ignore_errors=True)
        why = f"This host cannot keep the job: {error.strerror}."
        raise Refused("busy", why) from error
    return JobFolder(path)


def job_find(root: Path, job_id: str) -> JobFolder | None:
    """Return the folder of a job, None if this host never had it."""
    if not _JOB_ID.fullmatch(job_id) or not (root / job_id).is_dir():
        return None
    return JobFolder(root / job_id)


def jobs_all(root: Path) -> Iterator[JobFolder]:
    """Yield every job of this host, the oldest first."""
    folders = [p for p in root.glob("*") if _JOB_ID.fullmatch(p.name)] if root.is_dir() else []
    for path in sorted(folders, key=_taken_at):
        yield JobFolder(path)


def _taken_at(path: Path) -> tuple[int, str]:
    """When a job came: its request is written once, while its folder changes with every event."""
    request = path / "request.json"
    try:
        return request.stat().st_mtime_ns, path.name
    except OSError:
        return path.stat().st_mtime_ns, path.name


def expired(expires_at: str) -> bool:
    """True if that time is past by this host's clock, or is none."""
    try:
        return datetime.now(UTC) > datetime.fromisoformat(expires_at)
    except (ValueError, TypeError):
        return True


def jobs_prune(root: Path, *, kept: int = KEPT_JOBS, kept_s: float = KEPT_S) -> None:
    """Remove jobs that ended, were sent whole and are neither among the latest nor young.

    By then the expiry of such a job is long past, so that its id cannot be used again.
    """
    old = list(jobs_all(root))[:-kept] if kept else list(jobs_all(root))
    for job in old:
        last = job.last
        whole = last is not None and last.type == "end" and job.sent >= last.seq
        if whole and time.time() - job.path.stat().st_mtime > kept_s:
            shutil.rmtree(job.path, ignore_errors=True)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
