"""The API as a caller sees it."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

BASE = "/api/v1"


class Answer:
    """Status and JSON of an answer."""

    def __init__(self, response: Any) -> None:
        self.response = response
        self.status: int = response.status_code

    @property
    def json(self) -> Any:
        return json.loads(self.response.content)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """(field, code) of each error; the shape is checked by the way."""
        errors = self.json["errors"]
        assert errors
        assert all(set(error) == {"field", "code", "message"} for error in errors)
        assert all(isinstance(v, str) for error in errors for v in error.values())
        assert all(error["message"] for error in errors)
        return [(error["field"], error["code"]) for error in errors]


class Api:
    """Calls as one person."""

    def __init__(self, token: str) -> None:
        self._client = Client(raise_request_exception=False)
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, **query: Any) -> Answer:
        return Answer(self._client.get(BASE + path, query, headers=self._headers))

    def post(self, path: str, body: Any = None) -> Answer:
        text = body if isinstance(body, (str, bytes)) else json.dumps(body or {})
        return self.send("POST", path, text)

    def send(self, method: str, path: str, text: str | bytes = "") -> Answer:
        return Answer(
            self._client.generic(
                method, BASE + path, text, content_type="application/json", headers=self._headers
            )
        )
