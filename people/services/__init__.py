"""What can be done to people and tokens."""

from people.services.second_factors import second_factors_remove
from people.services.tokens import (
    DEFAULT_DAYS,
    MOST_DAYS,
    token_issue,
    token_revoke,
    token_user,
    tokens_end,
)
from people.services.users import user_language, user_save, user_switch

__all__ = [
    "DEFAULT_DAYS",
    "MOST_DAYS",
    "second_factors_remove",
    "token_issue",
    "token_revoke",
    "token_user",
    "tokens_end",
    "user_language",
    "user_save",
    "user_switch",
]
