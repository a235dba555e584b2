"""What admins can do to policies, grants, freezes and groups. Each is in the audit log."""

from policies.services.freezes import (
    freeze_add,
    freeze_remove,
    weekly_freeze_add,
    weekly_freeze_remove,
)
from policies.services.grants import grant_add, grant_remove
from policies.services.groups import group_create, group_remove, member_add, member_remove
from policies.services.policies import policy_remove, policy_save

__all__ = [
    "freeze_add",
    "freeze_remove",
    "grant_add",
    "grant_remove",
    "group_create",
    "group_remove",
    "member_add",
    "member_remove",
    "policy_remove",
    "policy_save",
    "weekly_freeze_add",
    "weekly_freeze_remove",
]
