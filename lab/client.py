"""A small client of Dockernet's public API, as a user's own script would have it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from lab.command import LabError


class Client:
    """Calls `/api/v1` of the site at `base` with one user's token."""

    def __init__(self, base: str, token: str) -> None:
        self.base = base
        self.token = token

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON answer.

        Raises:
            LabError: an HTTP error; with the site's own sentences.
        """
        try:
            with urllib.request.urlopen(self._request(method, path, body), timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            raise LabError(f"{method} {path}: {error.code} {text}") from error
        except OSError as error:
            raise LabError(f"{method} {path}: {error}") from error

    def events(self, change: int, *, timeout: float = 120.0) -> Iterator[dict[str, Any]]:
        """The events of a change from its first to its `end`, as they come."""
        request = self._request("GET", f"/changes/{change}/events?after=0", None)
        with urllib.request.urlopen(request, timeout=timeout) as stream:
            for line in stream:
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])

    def wait(
        self, path: str, until: Callable[[Any], bool], what: str, *, timeout: float = 60.0
    ) -> Any:
        """Ask for `path` until its answer satisfies `until`.

        Raises:
            LabError: it does not within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            answer = self.call("GET", path)
            if until(answer):
                return answer
            if time.monotonic() > deadline:
                raise LabError(f"waited {timeout:g} s for {what}; the last answer was {answer}")
            time.sleep(0.1)

    def _request(self, method: str, path: str, body: object) -> urllib.request.Request:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.base}/api/v1{path}"
        return urllib.request.Request(url, data=data, headers=headers, method=method)
