"""Changes as they come in and go out over the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Field, Schema

from dockernet_site.api_schemas import Input


class ChangeIn(Input):
    """A change to ask for; `spec` as its kind wants it. `confirm`: who confirms the job when all is
    done ("site", by itself, or "person"), within `confirm_window_s` seconds (10 to 3600); without a
    confirm the host goes back."""

    host: str
    kind: str
    spec: dict[str, Any]
    reason: str
    confirm: str = "site"
    confirm_window_s: int = 60


class ApproveIn(Input):
    """`plan_digest` is the digest of the plan that was read."""

    plan_digest: str
    comment: str = ""


class RejectIn(Input):
    """`comment` says why."""

    comment: str


class CommentIn(Input):
    """What to say."""

    text: str


class CommentOut(Schema):
    """What somebody said about a change."""

    id: int
    by: str
    text: str
    at: datetime


class BreakGlassIn(Input):
    """`plan_digest` is the digest of the plan that was read, `reason` what the emergency is."""

    plan_digest: str
    reason: str


class ChangeMade(Schema):
    """A change that was asked for."""

    id: int
    state: str


class StepOut(Schema):
    """A step with the command that a person would have typed."""

    title: str
    command: str


class FindingOut(Schema):
    """`severity`: blocker, warning or info."""

    code: str
    severity: str
    message: str
    subject: str


class MoveOut(Schema):
    """A container's address before, as foretold, and (after the job) as found."""

    name: str
    from_: str | None = Field(None, alias="from")
    to: str | None = None
    actual: str | None = None


class PlanOut(Schema):
    """The plan as the host made it."""

    digest: str
    steps: list[StepOut]
    findings: list[FindingOut]
    containers: list[MoveOut]
    expected_outage_s: float | None


class ApprovalOut(Schema):
    """A judgement; `decision`: approved or rejected."""

    by: str
    decision: str
    comment: str
    plan_digest: str
    at: datetime


class JobOut(Schema):
    """The carrying-out. `confirm_until`: until when the host waits for the confirm; `left`: what is
    left to do by hand when the change failed, as commands; when it succeeded because its way
    back was closed, the command that opens it."""

    id: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    outage_s: float | None
    confirm_until: datetime | None
    confirmed_at: datetime | None
    confirmed_by: str
    cancel_by: str
    left: list[str]


class GlassOut(Schema):
    """Who had the change carried out without its approvals, why, and when."""

    by: str
    reason: str
    at: datetime | None


class ChangeOut(Schema):
    """A change with all that is known of it; `last_seq` is the number of its newest event."""

    id: int
    host: str
    kind: str
    spec: dict[str, Any]
    reason: str
    state: str
    requested_by: str
    created_at: datetime
    updated_at: datetime
    reverts: int | None
    confirm: str
    confirm_window_s: int
    break_glass: GlassOut | None
    plan_error: str
    plan: PlanOut | None
    approvals: list[ApprovalOut]
    job: JobOut | None
    last_seq: int
