"""Policies as they come in and go out over the API."""

from __future__ import annotations

from ninja import Schema

from dockernet_site.api_schemas import Input


class PolicyIn(Input):
    """A policy, whole: what is left out gets its usual value. `environment` "" is the default
    policy, for every environment without one of its own. `approver_group` is a name, "" for none;
    `approvals_from_group` null: all of them. `approval_expires_s` null: as the site's settings
    say."""

    environment: str
    approvals_needed: int = 1
    approver_group: str = ""
    approvals_from_group: int | None = None
    approval_expires_s: int | None = None
    request_granted_only: bool = False
    approve_granted_only: bool = False
    cancel_granted_only: bool = False


class GrantOut(Schema):
    """`action`: request, approve or cancel; to a person (`user`) or to a `group`."""

    action: str
    user: str | None
    group: str | None


class PolicyOut(Schema):
    """A policy with its grants."""

    environment: str
    approvals_needed: int
    approver_group: str
    approvals_from_group: int
    approval_expires_s: int
    request_granted_only: bool
    approve_granted_only: bool
    cancel_granted_only: bool
    grants: list[GrantOut]
