"""The API's part about policies."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from dockernet_site.api_auth import BearerToken
from dockernet_site.api_schemas import Page, PagingQuery, paged, refusals
from people.roles import Role
from policies.api_schemas import PolicyIn, PolicyOut
from policies.models import EnvironmentPolicy
from policies.selectors import approval_time, policy_get, policy_list
from policies.services import policy_save

router = Router()


def _shown(policy: EnvironmentPolicy) -> dict[str, Any]:
    return {
        "environment": policy.environment,
        "approvals_needed": policy.approvals_needed,
        "approver_group": policy.approver_group.name if policy.approver_group else "",
        "approvals_from_group": policy.approvals_from_group,
        "approval_expires_s": int(approval_time(policy).total_seconds()),
        "request_granted_only": policy.request_granted_only,
        "approve_granted_only": policy.approve_granted_only,
        "cancel_granted_only": policy.cancel_granted_only,
        "grants": [
            {
                "action": grant.action,
                "user": grant.user.username if grant.user else None,
                "group": grant.group.name if grant.group else None,
            }
            for grant in policy.grants.all()
        ],
    }


@router.get("", auth=BearerToken(), response={200: Page[PolicyOut], **refusals(422)})
def index(request: HttpRequest, paging: PagingQuery) -> Any:
    """The stored policies; an environment that has none follows that of the environment "", and
    without it needs one approval by role."""
    return paged(policy_list(), paging, _shown)


@router.put("", auth=BearerToken(Role.ADMIN), response={200: PolicyOut, **refusals(422)})
def save(request: HttpRequest, payload: PolicyIn) -> Any:
    """Set the policy of an environment, whole; its grants stay. It holds at once."""
    user = request.auth  # type: ignore[attr-defined]
    saved = policy_save(user=user, **payload.dict())
    return _shown(policy_get(pk=saved.pk))
