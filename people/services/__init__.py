"""What can be done to people and tokens."""

from people.services.tokens import token_issue, token_revoke, token_user
from people.services.users import user_save

__all__ = ["token_issue", "token_revoke", "token_user", "user_save"]
