"""Who may do what on which host: the one place that decides it, for services and for buttons.

The role is the ceiling; the policy of the host's environment may ask for a grant beside it.
`..._refusal` returns why not (None: they may), `may_...` raises it.
"""

from __future__ import annotations

from hosts.models import Host
from netops.models import Change
from people.errors import Forbidden
from people.models import User
from policies.models import Action, EnvironmentPolicy
from policies.selectors import is_granted, policy_for

# Whole sentences, so that each can be translated: with an environment, and without one.
_GRANT_NEEDED = {
    Action.REQUEST: (
        "Only people with a grant request changes of hosts in {0}; an admin gives one.",
        "Only people with a grant request changes of hosts without an environment; an admin "
        "gives one.",
    ),
    Action.APPROVE: (
        "Only people with a grant judge changes of hosts in {0}; an admin gives one.",
        "Only people with a grant judge changes of hosts without an environment; an admin gives "
        "one.",
    ),
    Action.CANCEL: (
        "Only people with a grant cancel or confirm changes of hosts in {0}; an admin gives one.",
        "Only people with a grant cancel or confirm changes of hosts without an environment; an "
        "admin gives one.",
    ),
}


def request_refusal(
    *, user: User, host: Host, policy: EnvironmentPolicy | None = None
) -> Forbidden | None:
    """Return why a person may not ask for changes of a host (nor for new plans or undoing)."""
    if not user.can_request():
        return Forbidden("role", "Only an operator, approver or admin may do that.")
    return _ungranted(user, host, Action.REQUEST, policy)


def approve_refusal(
    *, user: User, change: Change, policy: EnvironmentPolicy | None = None
) -> Forbidden | None:
    """Return why a person may not judge a change. Nobody ever judges their own, whatever the
    policy says."""
    if not user.can_approve():
        role = user.get_role_display().lower()
        return Forbidden("role", f"Your role ({role}) does not judge changes.")
    if change.requested_by_id == user.pk:
        message = (
            "Nobody judges their own change. You asked for this one, so somebody else has to "
            "judge it."
        )
        return Forbidden("own-change", message)
    return _ungranted(user, change.host, Action.APPROVE, policy)


def cancel_refusal(
    *, user: User, change: Change, policy: EnvironmentPolicy | None = None
) -> Forbidden | None:
    """Return why a person may not cancel or confirm a job. Who asked for it, and admins, always
    may: going back is the safe way and must not wait for a grant."""
    if not user.can_request():
        return Forbidden("role", "Only an operator, approver or admin may do that.")
    if change.requested_by_id == user.pk or user.is_site_admin:
        return None
    return _ungranted(user, change.host, Action.CANCEL, policy)


def may_request(*, user: User, host: Host) -> None:
    """Raise Forbidden unless the person may ask for changes of the host."""
    _raise(request_refusal(user=user, host=host))


def may_approve(*, user: User, change: Change) -> None:
    """Raise Forbidden unless the person may judge the change."""
    _raise(approve_refusal(user=user, change=change))


def may_cancel(*, user: User, change: Change) -> None:
    """Raise Forbidden unless the person may cancel or confirm the change's job."""
    _raise(cancel_refusal(user=user, change=change))


def _raise(refusal: Forbidden | None) -> None:
    if refusal is not None:
        raise refusal


def _ungranted(
    user: User, host: Host, action: Action, policy: EnvironmentPolicy | None
) -> Forbidden | None:
    policy = policy or policy_for(environment=host.environment)
    if is_granted(user=user, policy=policy, action=action):
        return None
    somewhere, nowhere = _GRANT_NEEDED[action]
    message = somewhere.format(host.environment) if host.environment else nowhere
    return Forbidden("no-grant", message)
