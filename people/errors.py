"""Refusals that are about people and records; each is one HTTP status of the API."""

from __future__ import annotations

from netops.engine.errors import Refused


class TokenExpired(Refused):
    """The API token was good once, and its time is over (401)."""


class Forbidden(Refused):
    """This person may not do that (403)."""


class NotFound(Refused):
    """There is no such record (404)."""


class Conflict(Refused):
    """The state of things does not allow it now (409); the message says why."""


class InvalidInput(Refused):
    """The input breaks a rule (422); `field` says which."""
