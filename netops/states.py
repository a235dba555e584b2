"""The states of a change and the one table of what may follow what."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """The contract's states; `unknown` means that the agent was lost in mid-job."""

    PLANNING = "planning", _("Planning")
    BLOCKED = "blocked", _("Blocked")
    AWAITING_APPROVAL = "awaiting_approval", _("Awaiting approval")
    APPROVED = "approved", _("Approved")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    ROLLED_BACK = "rolled_back", _("Rolled back")
    FAILED = "failed", _("Failed")
    UNKNOWN = "unknown", _("Unknown")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    STALE = "stale", _("Stale")
    EXPIRED = "expired", _("Expired")


S = State

_OUTCOMES = (S.SUCCEEDED, S.ROLLED_BACK, S.FAILED, S.STALE)

# Why approved and unknown may reach every outcome: the host's journal knows better than the site,
# and its first word may come late. Why succeeded and failed may be left: somebody may undo them at
# the host's console (`dockernet-agent revert`), and the site must not go on saying that it is so.
TRANSITIONS: dict[State, tuple[State, ...]] = {
    S.PLANNING: (S.BLOCKED, S.AWAITING_APPROVAL, S.WITHDRAWN, S.EXPIRED),
    S.BLOCKED: (S.PLANNING, S.WITHDRAWN),
    S.AWAITING_APPROVAL: (S.APPROVED, S.REJECTED, S.WITHDRAWN, S.PLANNING, S.EXPIRED),
    S.APPROVED: (S.RUNNING, *_OUTCOMES, S.UNKNOWN, S.EXPIRED, S.WITHDRAWN),
    S.RUNNING: (*_OUTCOMES, S.UNKNOWN),
    S.UNKNOWN: (S.RUNNING, *_OUTCOMES, S.EXPIRED, S.WITHDRAWN),
    S.STALE: (S.PLANNING, S.WITHDRAWN),
    S.EXPIRED: (S.PLANNING,),
    S.SUCCEEDED: (S.ROLLED_BACK, S.FAILED),
    S.ROLLED_BACK: (),
    S.FAILED: (S.ROLLED_BACK, S.SUCCEEDED),
    S.REJECTED: (),
    S.WITHDRAWN: (),
}

HOLDING = (S.AWAITING_APPROVAL, S.APPROVED, S.RUNNING, S.UNKNOWN)
"""A change in one of these holds its host: no other change of that host may enter them."""

AT_REST = (
    S.BLOCKED,
    S.SUCCEEDED,
    S.ROLLED_BACK,
    S.FAILED,
    S.REJECTED,
    S.WITHDRAWN,
    S.STALE,
    S.EXPIRED,
)
"""Nothing happens by itself any more: the event stream ends here."""

UNDER_WAY = (S.APPROVED, S.RUNNING, S.UNKNOWN)
"""There is a job that has not ended."""

RESUMABLE = (S.BLOCKED, S.STALE, S.EXPIRED)
"""At rest, and a person may set it going again, or take it back."""

REPLANNABLE = (S.BLOCKED, S.STALE, S.AWAITING_APPROVAL, S.EXPIRED)
WITHDRAWABLE = (S.PLANNING, S.BLOCKED, S.AWAITING_APPROVAL, S.STALE)


def sources(target: State) -> tuple[State, ...]:
    """Return the states from which `target` may be entered."""
    return tuple(state for state, nexts in TRANSITIONS.items() if target in nexts)
