"""What passes over the channel of events and is none: a word that there is something to fetch."""

from __future__ import annotations

COMMENT = "comment"
NUDGE_SEQ = 0
"""Events are numbered from 1, so that no reader of events takes a nudge for one."""
