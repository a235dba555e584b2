"""What can be done to changes. Each service is one transaction; what leaves the site does so
after the commit."""

from netops.services.accept import change_accept
from netops.services.approvals import change_approve, change_reject
from netops.services.break_glass import change_break_glass
from netops.services.cancels import change_cancel
from netops.services.changes import (
    change_replan,
    change_request,
    change_revert,
    change_withdraw,
    request_faults,
)
from netops.services.comments import change_comment
from netops.services.confirms import change_confirm

__all__ = [
    "change_accept",
    "change_approve",
    "change_break_glass",
    "change_cancel",
    "change_comment",
    "change_confirm",
    "change_reject",
    "change_replan",
    "change_request",
    "change_revert",
    "change_withdraw",
    "request_faults",
]
