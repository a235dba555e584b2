"""docs/reference/states.md: the states of a change, what may follow, and the events."""

from __future__ import annotations

from netops.services.event_said import TYPES
from netops.states import HOLDING, TRANSITIONS, State
from teach.reference.table import NOTE, table

MEANINGS: dict[str, str] = {
    State.PLANNING: "the host has been asked for a plan",
    State.BLOCKED: "the plan has a blocker; nobody can approve it",
    State.AWAITING_APPROVAL: "the plan waits for people",
    State.APPROVED: "approved; the host has not begun",
    State.RUNNING: "the host carries it out",
    State.SUCCEEDED: "done, proved in all layers, confirmed; or kept without a confirm because "
    "the way back was closed, and the message says by what",
    State.ROLLED_BACK: "the host is as it was, proved in all layers",
    State.FAILED: "the host is in neither state; a person is needed, `job.left` has the commands",
    State.UNKNOWN: "the agent was lost; the host's journal settles it when the host is back",
    State.REJECTED: "an approver said no",
    State.WITHDRAWN: "taken back before the host had the job",
    State.STALE: "the host is no longer what the plan was made from; nothing was touched",
    State.EXPIRED: "it waited too long",
}
EVENTS: dict[str, str] = {
    "state": "the change is in another state",
    "step_started": "a step begins; with its title and command",
    "output": "a line of what the step says",
    "step_done": "the step is done",
    "step_failed": "the step failed; with why",
    "rollback_started": "the host goes back; with why",
    "rolled_back": "it is back, and proved",
    "end": "the last one; with `total` and the final `state`",
}


def states_page() -> str:
    """Return the page. Raises KeyError for a state or event that nobody has explained."""
    rows = [
        (
            f"`{state.value}`",
            MEANINGS[state],
            ", ".join(f"`{after.value}`" for after in nexts) or "nothing",
            "yes" if state in HOLDING else "",
        )
        for state, nexts in TRANSITIONS.items()
    ]
    states = table(("state", "what it means", "what may follow", "holds its host"), rows)
    events = table(("event", "what it says"), [(f"`{kind}`", EVENTS[kind]) for kind in TYPES])
    return (
        f"# States and events of a change\n\n{NOTE}\n{states}\n"
        "While a change holds its host no other change of that host can come so far. What\n"
        "succeeded or failed may still be undone at the host's console.\n\n"
        "## Events\n\nServer-Sent Events of `GET /api/v1/changes/ID/events`, numbered 1, 2, 3 ... "
        f"without a gap.\n\n{events}"
    )
