"""How the pages say what state a change is in: a word, a tone and a sign for each."""

from __future__ import annotations

from attrs import evolve, frozen
from django.utils.translation import gettext, gettext_noop

from netops.models import Change
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
    State.PLANNING: StateWord(gettext_noop("Planning"), "live", "loader-2", spin=True),
    State.BLOCKED: StateWord(gettext_noop("Blocked"), "warn", "ban"),
    State.AWAITING_APPROVAL: StateWord(gettext_noop("Awaiting approval"), "warn", "hourglass"),
    State.APPROVED: StateWord(gettext_noop("Approved"), "live", "check"),
    State.RUNNING: StateWord(gettext_noop("Running"), "live", "loader-2", spin=True),
    State.SUCCEEDED: StateWord(gettext_noop("Succeeded"), "good", "circle-check"),
    State.ROLLED_BACK: StateWord(gettext_noop("Rolled back"), "warn", "arrow-back-up"),
    State.FAILED: StateWord(gettext_noop("Failed"), "bad", "circle-x"),
    State.UNKNOWN: StateWord(gettext_noop("Unknown"), "odd", "help-circle"),
    State.REJECTED: StateWord(gettext_noop("Rejected"), "bad", "x"),
    State.WITHDRAWN: StateWord(gettext_noop("Withdrawn"), "idle", "circle-minus"),
    State.STALE: StateWord(gettext_noop("Stale"), "warn", "history"),
    State.EXPIRED: StateWord(gettext_noop("Expired"), "idle", "clock"),
}


AWAITING_CONFIRMATION = StateWord(gettext_noop("Awaiting confirmation"), "warn", "hourglass")
GOING_BACK = StateWord(gettext_noop("Going back"), "warn", "arrow-back-up")
SENT = StateWord(gettext_noop("On its way"), "live", "loader-2", spin=True)


def page_word(state: str, *, confirm: bool, back: bool, broken: bool) -> StateWord:
    """Return the word for where a change is on its own page, which knows more than its state: a
    person is asked to confirm, its host goes back, it was sent without approvals."""
    word = None
    if state == State.RUNNING and (confirm or back):
        word = AWAITING_CONFIRMATION if confirm else GOING_BACK
    if state == State.APPROVED and broken:
        word = SENT
    return evolve(word, label=gettext(word.label)) if word else state_word(state)


def word_now(change: Change) -> StateWord:
    """Return the same word for a change of a list that was read `with_now`
    (netops/selectors_now.py)."""
    confirm, back, broken = (
        getattr(change, name) for name in ("asks_confirm", "goes_back", "sent_early")
    )
    return page_word(change.state, confirm=confirm, back=back, broken=broken)


def state_word(state: str) -> StateWord:
    """Return the word for a state, in the reader's language.

    One that this version does not know is shown as it is.
    """
    word = _WORDS.get(state)
    if word is None:
        return StateWord(state.replace("_", " ").capitalize(), "idle", "circle-dot")
    return evolve(word, label=gettext(word.label))
