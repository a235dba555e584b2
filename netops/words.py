"""How the pages say what state a change is in: a word, a tone and a sign for each."""

from __future__ import annotations

from attrs import frozen

from netops.states import State


@frozen
class StateWord:
    """`tone` is one of good, bad, warn, live, odd, idle; `icon` a file in templates/icons/."""

    label: str
    tone: str
    icon: str
    spin: bool = False

    @property
    def icon_file(self) -> str:
        """The icon's template."""
        return f"icons/{self.icon}.svg"


_WORDS: dict[str, StateWord] = {
    State.PLANNING: StateWord("Planning", "live", "loader-2", spin=True),
    State.BLOCKED: StateWord("Blocked", "warn", "ban"),
    State.AWAITING_APPROVAL: StateWord("Awaiting approval", "warn", "hourglass"),
    State.APPROVED: StateWord("Approved", "live", "check"),
    State.RUNNING: StateWord("Running", "live", "loader-2", spin=True),
    State.SUCCEEDED: StateWord("Succeeded", "good", "circle-check"),
    State.ROLLED_BACK: StateWord("Rolled back", "warn", "arrow-back-up"),
    State.FAILED: StateWord("Failed", "bad", "circle-x"),
    State.UNKNOWN: StateWord("Unknown", "odd", "help-circle"),
    State.REJECTED: StateWord("Rejected", "bad", "x"),
    State.WITHDRAWN: StateWord("Withdrawn", "idle", "circle-minus"),
    State.STALE: StateWord("Stale", "warn", "history"),
    State.EXPIRED: StateWord("Expired", "idle", "clock"),
}


def state_word(state: str) -> StateWord:
    """Return the word for a state; one that this version does not know is shown as it is."""
    return _WORDS.get(state) or StateWord(
        state.replace("_", " ").capitalize(), "idle", "circle-dot"
    )
