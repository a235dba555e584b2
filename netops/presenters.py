"""A change as the API shows it (the public contract). Pure: reads no database."""

from __future__ import annotations

from typing import Any

from netops.models import Approval, Change, Comment, Job


def change_json(change: Change) -> dict[str, Any]:
    """Return a change as `change_full` and `change_full_list` load it."""
    job = next(iter(change.jobs.all()), None)
    return {
        "id": change.pk,
        "host": change.host.name,
        "kind": change.kind,
        "spec": change.spec,
        "reason": change.reason,
        "state": change.state,
        "requested_by": change.requested_by.username,
        "created_at": change.created_at,
        "updated_at": change.updated_at,
        "reverts": change.reverts_id,
        "confirm": change.confirm,
        "confirm_window_s": change.confirm_window_s,
        "break_glass": _glass_json(change),
        "plan_error": change.plan_error,
        "plan": plan_json(change.plan, job),
        "approvals": [_approval_json(approval) for approval in change.approvals.all()],
        "job": _job_json(job) if job else None,
        "last_seq": change.last_seq,
    }


def _glass_json(change: Change) -> dict[str, Any] | None:
    if not change.break_glass_by:
        return None
    return {
        "by": change.break_glass_by,
        "reason": change.break_glass_reason,
        "at": getattr(change, "break_glass_at", None),
    }


def plan_json(plan: dict[str, Any] | None, job: Job | None) -> dict[str, Any] | None:
    """Return a stored plan (JSON of the engine's Plan); after the job each container also has
    `actual`, the address that it was found with."""
    if plan is None:
        return None
    told = (job.result or {}).get("containers") if job else None
    rows = told if isinstance(told, list) else []
    actual = {row.get("name"): row.get("to") for row in rows if isinstance(row, dict)}
    return {
        "digest": plan.get("digest", ""),
        "steps": [
            {"title": step.get("title", ""), "command": step.get("command", "")}
            for step in plan.get("steps", [])
        ],
        "findings": [
            {name: finding.get(name, "") for name in ("code", "severity", "message", "subject")}
            for finding in plan.get("findings", [])
        ],
        "containers": [_move_json(move, actual) for move in plan.get("containers", [])],
        "expected_outage_s": plan.get("expected_outage_s"),
    }


def _move_json(move: dict[str, Any], actual: dict[Any, Any]) -> dict[str, Any]:
    shown = {"name": move.get("name"), "from": move.get("from"), "to": move.get("to")}
    if move.get("name") in actual:
        shown["actual"] = actual[move.get("name")]
    return shown


def _approval_json(approval: Approval) -> dict[str, Any]:
    return {
        "by": approval.by.username,
        "decision": approval.decision,
        "comment": approval.comment,
        "plan_digest": approval.plan_digest,
        "at": approval.at,
    }


def comment_json(comment: Comment) -> dict[str, Any]:
    """Return a comment with its author loaded."""
    return {
        "id": comment.pk,
        "by": comment.by.username,
        "text": comment.text,
        "at": comment.at,
    }


def _job_json(job: Job) -> dict[str, Any]:
    return {
        "id": job.pk,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "outage_s": job.outage_s,
        "confirm_until": job.confirm_until,
        "confirmed_at": job.confirmed_at,
        "confirmed_by": job.confirmed_by,
        "cancel_by": job.cancel_by,
        "left": left_of(job),
    }


def left_of(job: Job) -> list[str]:
    """Return the commands that a job left to do by hand, as its host told them."""
    told = (job.result or {}).get("left")
    return [line for line in told if isinstance(line, str)] if isinstance(told, list) else []
