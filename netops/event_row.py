"""An event of a change as it travels to readers: one shape for the API, the pages and Redis."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cached_property
from typing import Any

from netops.models import Event

_OWN = ("seq", "at", "type", "step", "message")


class EventRow:
    """Event `seq` (1, 2, 3 ...) of change `change`. `at` is ISO 8601 UTC, `data` plain JSON."""

    def __init__(
        self,
        *,
        change: int,
        seq: int,
        at: str,
        type: str,
        step: int | None,
        message: str,
        data: dict[str, Any],
    ) -> None:
        self.change, self.seq, self.at, self.type = change, seq, at, type
        self.step, self.message, self.data = step, message, data

    def to_message(self) -> dict[str, Any]:
        """Return it for the channel between the processes of the site."""
        own = {name: getattr(self, name) for name in _OWN}
        return {"change": self.change, **own, "data": self.data}

    def to_public(self) -> dict[str, Any]:
        """Return it as the contract has it: its own fields win over those in `data`."""
        return {**self.data, **{name: getattr(self, name) for name in _OWN}}

    @cached_property
    def sse(self) -> bytes:
        """The event of a text/event-stream (WHATWG HTML, server-sent events), made once for all
        readers. JSON has no raw line breaks, so one `data:` line is enough."""
        text = json.dumps(self.to_public(), ensure_ascii=True)
        return f"id: {self.seq}\nevent: {self.type}\ndata: {text}\n\n".encode()


def row_of(event: Event) -> EventRow:
    """Return a stored event as a row."""
    at = event.at.isoformat() if isinstance(event.at, datetime) else str(event.at)
    return EventRow(
        change=event.change_id,
        seq=event.seq,
        at=at,
        type=event.type,
        step=event.step,
        message=event.message,
        data=event.data,
    )


def row_of_message(text: str) -> EventRow:
    """Return a row that came over the channel; raises ValueError, KeyError or TypeError."""
    return EventRow(**json.loads(text))
