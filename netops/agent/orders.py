"""What the site says to a job under way: files in the job's folder, written by the worker, read by
the guard and by the process that carries the job out.

`ask.json` (what the guard asks the site), `confirm.json` and `cancel.json`. Each is whole or not
there, and on the disk when it counts.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from pathlib import Path
from typing import TypeVar

from attrs import frozen

from netops.engine.errors import MessageRejected, Refused
from netops.engine.serial import from_json, to_json

MAX_WINDOW_S = 3600.0

T = TypeVar("T")


@frozen
class Ask:
    """`until` is on the clock of this boot (CLOCK_BOOTTIME), which nobody can set."""

    nonce: str
    until: float
    boot_id: str


@frozen
class Said:
    """An order and who gave it: a person, or the site by itself."""

    by: str
    nonce: str = ""


def boot_clock() -> float:
    """Return the seconds since this boot, sleep included (clock_gettime(2))."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Return the id of this boot (random(4))."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Orders:
    """The orders for the job in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ask_begin(self, window_s: float) -> Ask:
        """Start the confirm window, once: a later guard in the same boot goes on with it."""
        asked = self.asked
        if asked is not None:
            return asked
        window_s = min(max(window_s, 1.0), MAX_WINDOW_S)
        ask = Ask(secrets.token_hex(16), boot_clock() + window_s, boot_id())
        self._write("ask.json", ask)
        return ask

    @property
    def asked(self) -> Ask | None:
        """What was asked, None before."""
        return self._read("ask.json", Ask)

    def confirm(self, nonce: str, by: str) -> None:
        """Take down that the site confirms.

        Raises Refused when nothing was asked, for another question, or when it comes too late.
        """
        ask = self.asked
        if ask is None or ask.nonce != nonce:
            raise Refused("not-asked", "This confirmation answers no question of this host.")
        if ask.boot_id != boot_id() or boot_clock() > ask.until:
            raise Refused("too-late", "The confirmation came too late; the host goes back.")
        self._write("confirm.json", Said(by[:150], nonce))

    @property
    def confirmed_by(self) -> str:
        """Who confirmed in time, "" if nobody did."""
        said, ask = self._read("confirm.json", Said), self.asked
        return said.by if said and ask and said.nonce == ask.nonce else ""

    def cancel(self, by: str) -> None:
        """Take down that the job shall stop and go back."""
        self._write("cancel.json", Said(by[:150]))

    @property
    def cancelled_by(self) -> str:
        """Who cancelled, "" if nobody did."""
        said = self._read("cancel.json", Said)
        return said.by if said else ""

    @property
    def cancelled(self) -> str:
        """The sentence that says who cancelled, "" if nobody did."""
        by = self.cancelled_by
        return f"{by} cancelled the job." if by else ""

    def _read(self, name: str, kind: type[T]) -> T | None:
        try:
            return from_json(kind, json.loads((self._folder / name).read_text()))
        except (OSError, ValueError, MessageRejected):
            return None

    def _write(self, name: str, what: object) -> None:
        """Write whole or not at all. Raises Refused("disk") when the disk does not take it."""
        part = self._folder / f".{name}.{os.getpid()}"
        try:
            with part.open("w") as file:
                json.dump(to_json(what), file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._folder / name)
            descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise Refused("disk", f"This host cannot keep the order: {error.strerror}.") from error
