"""A job's memory on the host's own disk, written before each step, enough to undo in any process.

One folder for each job: `snapshot.json` (the plan, the host's boot and the host as it was),
`before/` (copies of the configuration files), `steps.jsonl` (a line before and after each step and
each undo), `held.json` (all is done; the confirm is missing), `back.json` (why it goes back: from
then on no confirm counts) and `outcome.json`. Every write is on the disk before it
returns (fsync(2) of file and folder), so that it survives a loss of power. Folders are kept: they
are also the record of the job ids that have been used.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath

from attrs import field, frozen

from netops.engine.errors import MessageRejected
from netops.engine.file_copy import file_bytes
from netops.engine.observed import Controller
from netops.engine.plan import Plan
from netops.engine.serial import Json, from_json, to_json
from netops.engine.snapshot import HostSnapshot

BEGUN, DONE, UNDONE, NOTED = "begun", "done", "undone", "noted"
SUCCEEDED, ROLLED_BACK, FAILED = "succeeded", "rolled_back", "failed"


@frozen
class ContainerResult:
    """A container's address on the default bridge before a job and as found after it."""

    name: str
    from_: IPv4Address | None
    to: IPv4Address | None


@frozen
class Outcome:
    """How a job ended: succeeded, rolled_back (the host is as it was) or failed (in neither).

    `outage_s` is the measured time in seconds for which containers were away, None if nothing was
    stopped. `message` is for people; with failed it says what is left to do, and `left` has the
    commands.
    """

    state: str
    message: str = ""
    outage_s: float | None = None
    containers: tuple[ContainerResult, ...] = ()
    left: tuple[str, ...] = ()


@frozen
class Snapshot:
    """What was to be done, in which boot of the host (boot_id of /proc/sys/kernel/random), and the
    host as it was."""

    plan: Plan
    controller: Controller
    boot_id: str
    at: str
    host: HostSnapshot | None = None


@frozen
class Entry:
    """One line: step `step` (from 1) was begun (with what its undo needs), done or undone; or
    something was noted under the kind in `saved` (step 0)."""

    step: int
    phase: str
    at: str
    saved: dict[str, Json] = field(factory=dict)


def _now() -> str:
    return datetime.now(UTC).isoformat()


class Journal:
    """The journal of one job in `folder`, which is made at the first write."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    @property
    def exists(self) -> bool:
        """True if the job id has been used on this host."""
        return self.folder.is_dir()

    @property
    def finished(self) -> bool:
        """True if the job has an outcome; a journal that exists and is not needs `settle`."""
        return self.outcome() is not None

    @property
    def before(self) -> Path:
        """The folder with the configuration files as they were, to be copied back by hand."""
        return self.folder / "before"

    def begin(
        self, plan: Plan, controller: Controller, boot_id: str, host: HostSnapshot | None = None
    ) -> None:
        """Note what is about to be done. Raises FileExistsError if the job id was used before."""
        self.folder.mkdir(parents=True, mode=0o700)
        _sync_folder(self.folder.parent)
        if host is not None:
            self._keep_files(host)
        snapshot = Snapshot(plan=plan, controller=controller, boot_id=boot_id, at=_now(), host=host)
        self._replace("snapshot.json", to_json(snapshot))

    def _keep_files(self, host: HostSnapshot) -> None:
        self.before.mkdir(mode=0o700)
        for path, saved in host.files.items():
            content = file_bytes(saved)
            if content is None or not isinstance(saved, dict):
                continue
            copy = self.before / PurePosixPath(path).name
            copy.write_bytes(content)
            copy.chmod(int(str(saved["mode"])))

    def step_begun(self, step: int, saved: dict[str, Json]) -> None:
        """Note that a step is about to be done, with all that its undo needs."""
        self._append(Entry(step=step, phase=BEGUN, at=_now(), saved=saved))

    def step_done(self, step: int) -> None:
        """Note that a step was done and checked."""
        self._append(Entry(step=step, phase=DONE, at=_now()))

    def step_undone(self, step: int) -> None:
        """Note that a step was undone."""
        self._append(Entry(step=step, phase=UNDONE, at=_now()))

    def note(self, kind: str, saved: dict[str, Json]) -> None:
        """Note something under a kind."""
        self._append(Entry(step=0, phase=NOTED, at=_now(), saved={"kind": kind, "saved": saved}))

    def finish(self, outcome: Outcome) -> None:
        """Note how the job ended."""
        self._replace("outcome.json", to_json(outcome))

    def hold(self, outcome: Outcome) -> None:
        """Note that every step is done, and how the job ends once it is confirmed."""
        self._replace("held.json", to_json(outcome))

    @property
    def held(self) -> Outcome | None:
        """What `hold` noted, None if it never came that far."""
        data = self._read("held.json")
        return None if data is None else from_json(Outcome, data)

    def turn_back(self, why: str) -> None:
        """Note that the job is undone from now on, whatever is confirmed later.

        On a disk that takes nothing what `hold` noted goes instead, and that the last step was
        done: to remove and to cut needs no space, and a job that is not whole is undone.
        """
        try:
            self._replace("back.json", {"why": why, "at": _now()})
        except OSError:
            with suppress(OSError):
                (self.folder / "held.json").unlink(missing_ok=True)
            with suppress(OSError):
                self._cut_last_done()

    def reopen(self, why: str) -> None:
        """Note that a job that had ended is undone from now on; a crash in it is then settled.

        Raises OSError when the disk does not take it; nothing is different then.
        """
        self._replace("back.json", {"why": why, "at": _now(), "reopened": True})
        (self.folder / "outcome.json").unlink(missing_ok=True)
        _sync_folder(self.folder)

    @property
    def turned_back(self) -> str:
        """Why the job is undone, "" if it is not."""
        data = self._read("back.json")
        return str(data.get("why")) if isinstance(data, dict) else ""

    @property
    def reopened(self) -> bool:
        """True if the job had ended before somebody took it back."""
        data = self._read("back.json")
        return isinstance(data, dict) and data.get("reopened") is True

    def snapshot(self) -> Snapshot | None:
        """Return what `begin` noted, None if the job never came that far."""
        data = self._read("snapshot.json")
        return None if data is None else from_json(Snapshot, data)

    def outcome(self) -> Outcome | None:
        """Return how the job ended, None while it has not."""
        data = self._read("outcome.json")
        return None if data is None else from_json(Outcome, data)

    def notes(self) -> list[tuple[str, dict[str, Json]]]:
        """Return what was noted, kind and content, in order."""
        found: list[tuple[str, dict[str, Json]]] = []
        for entry in self.entries():
            saved = entry.saved.get("saved")
            if entry.phase == NOTED and isinstance(saved, dict):
                found.append((str(entry.saved.get("kind")), saved))
        return found

    def entries(self) -> list[Entry]:
        """Return the lines so far.

        A line torn by a loss of power does not count: its write had not returned, so that what it
        announced was not begun.
        """
        path = self.folder / "steps.jsonl"
        found: list[Entry] = []
        for line in path.read_bytes().splitlines() if path.exists() else []:
            try:
                found.append(from_json(Entry, json.loads(line)))
            except (ValueError, MessageRejected):
                continue
        return found

    def _cut_last_done(self) -> None:
        """Take back that the last step was done, if it is the last thing in the journal."""
        path = self.folder / "steps.jsonl"
        whole = path.read_bytes()
        last = whole.rstrip(b"\n").rpartition(b"\n")[2]
        if f'"{DONE}"'.encode() not in last:
            return
        with path.open("r+b") as file:
            file.truncate(len(whole.rstrip(b"\n")) - len(last))
            os.fsync(file.fileno())

    def _read(self, name: str) -> object:
        path = self.folder / name
        return json.loads(path.read_text()) if path.exists() else None

    def _replace(self, name: str, data: Json) -> None:
        path, fresh = self.folder / name, self.folder / f"{name}.new"
        _write_synced(fresh, json.dumps(data), os.O_TRUNC)
        fresh.replace(path)
        _sync_folder(self.folder)

    def _append(self, entry: Entry) -> None:
        path = self.folder / "steps.jsonl"
        new = not path.exists()
        torn = not new and not path.read_bytes().endswith(b"\n")
        line = json.dumps(to_json(entry)) + "\n"
        _write_synced(path, f"\n{line}" if torn else line, os.O_APPEND)
        if new:
            _sync_folder(self.folder)


def _write_synced(path: Path, text: str, flag: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | flag, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
