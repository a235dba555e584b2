"""Who calls the API, and whether their role is enough: checked before any input is read."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from ninja.security import HttpBearer

from people.errors import Forbidden
from people.models import User
from people.roles import Role
from people.services import token_user


class BearerToken(HttpBearer):
    """`Authorization: Bearer TOKEN` of somebody whose role includes `role`.

    Reading is also open to a logged-in browser (the page of the API, live pages); changing things
    needs a token, so that no other site can make a browser do it.
    """

    def __init__(self, role: str = Role.VIEWER) -> None:
        super().__init__()
        self._role = role

    def __call__(self, request: HttpRequest) -> Any:
        if request.method == "GET" and not request.headers.get(self.header):
            return self._checked(request.user)
        return super().__call__(request)

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """Return the user of the token, None (401) if it is not valid.

        Raises Forbidden when the user's role is not enough, TokenExpired.
        """
        return self._checked(token_user(token=token))

    def _checked(self, user: object) -> User | None:
        if not isinstance(user, User):
            return None
        if not user.has_role(self._role):
            raise Forbidden("role", f"This needs the role {self._role} or a higher one.")
        return user


class AsyncBearerToken(BearerToken):
    """The same for a view that runs in the event loop."""

    async def __call__(self, request: HttpRequest) -> Any:
        if request.method == "GET" and not request.headers.get(self.header):
            return self._checked(await request.auser())
        return await sync_to_async(HttpBearer.__call__)(self, request)
