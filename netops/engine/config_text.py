"""Change one setting in a configuration text and keep every other byte. Pure: no files here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.decoder import JSONDecodeError
from typing import Any

from attrs import frozen

from netops.engine.serial import Json
from netops.engine.shell_text import set_docker_opt

__all__ = ["drop_json_key", "read_json_object", "set_docker_opt", "set_json_key"]

_BLANK = re.compile(r"[ \t\n\r]*")


@frozen
class _Member:
    """One `"key": value` of an object: where its key and its value begin and end in the text."""

    key: str
    key_start: int
    key_end: int
    value_start: int
    value_end: int
    value: Json


def read_json_object(text: str) -> dict[str, Json]:
    """Return the JSON object that `text` is, more strictly than dockerd reads it.

    Raises ValueError with a sentence for people: not JSON (RFC 8259), not an object, a byte order
    mark, or a key that stands twice (Go takes the last one; which was meant is for a person).
    """
    if text.startswith("\ufeff"):
        raise ValueError("The file begins with a byte order mark.")
    if not text.strip():
        raise ValueError("The file is empty; Docker before 23.0 does not start with it.")
    try:
        data = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"The file is not JSON: {error.msg} ({where}).") from error
    except RecursionError as error:
        raise ValueError("The file is nested too deeply.") from error
    if not isinstance(data, dict):
        raise ValueError("The file holds no JSON object.")
    return data


def set_json_key(text: str | None, key: str, value: Json) -> str:
    """Return `text` (a JSON object; None or blank: no file yet) with one top-level key set.

    The formatting, the order and every other byte stay; a key that has the value already leaves
    the text as it is. A new key goes last, laid out like the one before it. Raises ValueError as
    `read_json_object`.
    """
    written = json.dumps(value, ensure_ascii=False)
    if text is None or not text.strip():
        return f"{{\n  {json.dumps(key)}: {written}\n}}\n"
    read_json_object(text)
    members = list(_members(text))
    for member in members:
        if member.key == key:
            if _same(member.value, value):
                return text
            return text[: member.value_start] + written + text[member.value_end :]
    if not members:
        brace = text.index("{") + 1
        return f"{text[:brace]}\n  {json.dumps(key)}: {written}\n{text[text.rindex('}') :]}"
    last = members[-1]
    between = text[_before(text, last.key_start) : last.key_start]
    colon = text[last.key_end : last.value_start]
    added = f",{between}{json.dumps(key)}{colon}{written}"
    return text[: last.value_end] + added + text[last.value_end :]


def drop_json_key(text: str, key: str) -> str:
    """Return `text` (a JSON object) without one top-level key; every other byte stays.

    The comma that parted it from its neighbour goes with it. Raises ValueError as
    `read_json_object`.
    """
    read_json_object(text)
    members = list(_members(text))
    place = next((n for n, member in enumerate(members) if member.key == key), None)
    if place is None:
        return text
    member = members[place]
    if place > 0:
        return text[: members[place - 1].value_end] + text[member.value_end :]
    if len(members) > 1:
        return text[: member.key_start] + text[members[1].key_start :]
    start, end = text.index("{") + 1, _skip(text, member.value_end)
    return text[:start] + text[end:]


def _same(one: Json, other: Json) -> bool:
    # In Python True == 1; in JSON they differ.
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _before(text: str, position: int) -> int:
    """Return where the blanks before `position` begin."""
    while position > 0 and text[position - 1] in " \t\n\r":
        position -= 1
    return position


def _members(text: str) -> Iterator[_Member]:
    """The top-level members of a text that `read_json_object` accepts."""
    decoder = json.JSONDecoder()
    position = _skip(text, text.index("{") + 1)
    while text[position] != "}":
        key, key_end = decoder.raw_decode(text, position)
        start = _skip(text, _skip(text, key_end) + 1)  # past the colon
        value, end = decoder.raw_decode(text, start)
        yield _Member(key, position, key_end, start, end, value)
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    found = _BLANK.match(text, position)
    return found.end() if found else position


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f'The key "{key}" stands twice in the file.')
        found[key] = value
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"The file is not JSON: {name} is no JSON value.")
