"""What can be done to people and tokens."""

from people.services.tokens import (
    DEFAULT_DAYS,
    MOST_DAYS,
    token_issue,
    token_revoke,
    token_user,
)
from people.services.users import user_save

__all__ = [
    "DEFAULT_DAYS",
    "MOST_DAYS",
    "token_issue",
    "token_revoke",
    "token_user",
    "user_save",
]
