"""The record of a change, told by its events: what each step did, and when.

One fold serves the page, its reload and the live stream, so that all three show the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from attrs import define, field
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from netops.engine.plan import StepSpec
from netops.engine.steps import has_undo
from netops.event_row import EventRow

WAITING, RUNNING, DONE, FAILED, UNDONE = "waiting", "running", "done", "failed", "undone"
# A step that had begun when the agent was lost, and of which nothing more was heard.
CUT = "cut"
MOST_LINES = 400
_WORDS: dict[str, Promise] = {
    WAITING: _("waiting"),
    RUNNING: _("running"),
    DONE: _("done"),
    FAILED: _("failed"),
    UNDONE: _("undone"),
    CUT: _("cut short"),
}


def _when(at: str) -> datetime:
    return datetime.fromisoformat(at)


@define
class StepRecord:
    """One step: as planned, and how it went. `lines` are what the host said, `dropped` how many
    older lines are left out here. What has no undo (`has_undo`) stays done in a rollback."""

    number: int
    title: str
    command: str
    has_undo: bool = True
    status: str = WAITING
    started_at: datetime | None = None
    ended_at: datetime | None = None
    message: str = ""
    lines: list[str] = field(factory=list)
    dropped: int = 0

    @property
    def seconds(self) -> float | None:
        """How long it took, None while that is not known."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0.0, (self.ended_at - self.started_at).total_seconds())

    @property
    def status_word(self) -> Promise:
        """Its status in the reader's language."""
        return _WORDS[self.status]

    @property
    def commands(self) -> list[str]:
        """Its commands, one a line."""
        return self.command.splitlines()

    @property
    def command_id(self) -> str:
        """The id of the element that holds its command."""
        return f"command-{self.number}"

    @property
    def text(self) -> str:
        """What the host said, as one text."""
        return "\n".join(self.lines)

    @property
    def line_count(self) -> int:
        """How many lines the host said in all."""
        return len(self.lines) + self.dropped

    @property
    def open(self) -> bool:
        """True while its output should be seen without a click."""
        return self.status in (RUNNING, FAILED)

    def say(self, text: str) -> None:
        """Add what the host said, line by line; only the newest MOST_LINES are kept here."""
        self.lines += text.splitlines()
        extra = len(self.lines) - MOST_LINES
        if extra > 0:
            del self.lines[:extra]
            self.dropped += extra

    def take_back(self) -> None:
        """Mark it as undone, if it had begun and there is anything to take back."""
        if self.has_undo and self.status in (DONE, RUNNING):
            self.status = UNDONE
        elif self.status == RUNNING:
            self.status = CUT


@define
class Record:
    """All steps with their fate. `cursor` is the number of the last event that is in it;
    `started_at` is when the first step began, `rolling_back` holds after rollback_started."""

    steps: list[StepRecord]
    cursor: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    rolling_back: bool = False
    rollback_message: str = ""
    loose: list[str] = field(factory=list)
    end: dict[str, Any] = field(factory=dict)
    stale_differences: list[str] = field(factory=list)
    end_message: str = ""

    @property
    def seconds(self) -> float | None:
        """How long the job took, None while that is not known."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0.0, (self.ended_at - self.started_at).total_seconds())

    @property
    def finished_steps(self) -> int:
        """How many steps went through."""
        return sum(step.status in (DONE, UNDONE) for step in self.steps)

    @property
    def failed(self) -> StepRecord | None:
        """The first step that failed."""
        return next((s for s in self.steps if s.status == FAILED), None)

    def take(self, event: EventRow) -> StepRecord | None:
        """Add one event, in the order of `seq`; return the step that it changed, if any."""
        if event.seq <= self.cursor:
            return None
        self.cursor = event.seq
        step = self._step(event.step)
        match event.type:
            case "state":
                self._take_state(event)
            case "step_started" if step:
                self.started_at = self.started_at or _when(event.at)
                step.status, step.started_at = RUNNING, _when(event.at)
            case "step_done" if step:
                step.status, step.ended_at = DONE, _when(event.at)
            case "step_failed" if step:
                step.status, step.ended_at, step.message = FAILED, _when(event.at), event.message
            case "output":
                self._take_output(step, event)
            case "rollback_started":
                self.rolling_back, self.rollback_message = True, event.message
            case "rolled_back":
                self._take_rolled_back(step, event)
            case "end":
                self.end, self.end_message = dict(event.data), event.message
                self.ended_at = _when(event.at)
                for each in self.steps:
                    each.status = CUT if each.status == RUNNING else each.status
        return step

    def _step(self, number: int | None) -> StepRecord | None:
        if number is None or not 1 <= number <= len(self.steps):
            return None
        return self.steps[number - 1]

    def _take_state(self, event: EventRow) -> None:
        told = event.data.get("differences")
        if isinstance(told, list):
            self.stale_differences = [str(line) for line in told]
        # A new plan begins a new record: what an earlier job did is in the list of all events.
        if event.data.get("state") == "planning":
            for step in self.steps:
                step.status, step.started_at, step.ended_at = WAITING, None, None
                step.message, step.lines, step.dropped = "", [], 0
            self.started_at = self.ended_at = None
            self.rolling_back, self.rollback_message, self.loose = False, "", []
            self.end, self.end_message, self.stale_differences = {}, "", []

    def _take_output(self, step: StepRecord | None, event: EventRow) -> None:
        if step is None:
            self.loose += event.message.splitlines()
            del self.loose[:-MOST_LINES]
            return
        step.say(event.message)
        # The host says of each step that it took back (netops/engine/rollback.py).
        if self.rolling_back and event.message.startswith("Undone:"):
            step.take_back()

    def _take_rolled_back(self, step: StepRecord | None, event: EventRow) -> None:
        """The whole job is taken back, or one step where the event names it."""
        for each in [step] if step else self.steps:
            each.take_back()
        if step and event.message:
            step.say(event.message)


def record_of(steps: Iterable[StepSpec], events: Iterable[EventRow]) -> Record:
    """Return the record of a plan's steps after these events (in the order of their `seq`)."""
    rows = [StepRecord(n, s.title, s.command, has_undo(s)) for n, s in enumerate(steps, 1)]
    record = Record(rows)
    for event in events:
        record.take(event)
    return record
