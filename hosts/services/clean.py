"""What hosts say, in a form that every database and every reader can keep."""

from __future__ import annotations

from typing import Any

TEXT_LENGTH = 8000


def clean(value: Any) -> Any:
    """Return plain JSON data (or a text) without NUL and lone surrogates.

    PostgreSQL takes neither in text or jsonb; no honest host sends them.
    """
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return value


def clean_text(value: str) -> str:
    """Return a text as `clean` does, at most TEXT_LENGTH characters of it."""
    return str(clean(value[:TEXT_LENGTH]))
