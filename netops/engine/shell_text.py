"""DOCKER_OPTS in /etc/default/docker: change one flag and keep every other byte. Pure.

The file is shell (sh(1)), sourced by the init script, which then splits $DOCKER_OPTS at blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ASSIGNMENT = re.compile(r"DOCKER_OPTS\+?=")
_SAFE_VALUE = re.compile(r"[\w.:/,=@%+-]*")
_WORD_ENDS = " \t\n;&|()<>"


def set_docker_opt(text: str, flag: str, value: str) -> str:
    """Return `text` with `flag` ("bip" or "--bip") of DOCKER_OPTS set to `value`.

    Where the flag stands already, each value of it is replaced and nothing else; otherwise the
    flag is added to the last assignment, or a new assignment to the end of the file. Raises
    ValueError when the value would need quotes or the file is not understood; it is for a person
    then.
    """
    flag = f"--{flag.removeprefix('--')}"
    if not _SAFE_VALUE.fullmatch(value) or not re.fullmatch(r"--[a-z][a-z0-9-]*", flag):
        raise ValueError(f"{flag}={value} cannot be written into DOCKER_OPTS.")
    spans = list(assignments(text))
    if not spans:
        gap = "" if not text or text.endswith("\n") else "\n"
        return f'{text}{gap}DOCKER_OPTS="{flag}={value}"\n'
    pattern, found = _flag_pattern(flag), False
    for start, end in reversed(spans):
        assigned = text[start:end]
        for match in pattern.finditer(assigned):
            found = True
            if not match["value"]:
                raise ValueError(f"The value of {flag} in DOCKER_OPTS stands in quotes.")
        changed = pattern.sub(lambda m: f"{m['head']}{value}", assigned)
        text = text[:start] + changed + text[end:]
    if found:
        return text
    start, end = spans[-1]
    return text[:start] + _append(text[start:end], f"{flag}={value}") + text[end:]


def docker_opt(text: str, flag: str) -> str | None:
    """Return the value of a flag of DOCKER_OPTS, the last one where it stands more than once.

    None where it does not stand there. Raises ValueError when the file is not understood.
    """
    pattern, value = _flag_pattern(f"--{flag.removeprefix('--')}"), None
    for start, end in assignments(text):
        for match in pattern.finditer(text[start:end]):
            value = match["value"]
    return value


def drop_docker_opt(text: str, flag: str) -> str:
    """Return `text` without a flag of DOCKER_OPTS, and without the blank before it.

    Raises ValueError when the file is not understood.
    """
    pattern = _flag_pattern(f"--{flag.removeprefix('--')}")
    for start, end in reversed(list(assignments(text))):
        assigned = text[start:end]
        for match in reversed(list(pattern.finditer(assigned))):
            first = match.start()
            while first > 0 and assigned[first - 1] in " \t":
                first -= 1
            assigned = assigned[:first] + assigned[match.end() :]
        text = text[:start] + assigned + text[end:]
    return text


def _flag_pattern(flag: str) -> re.Pattern[str]:
    # A flag begins the value or follows a blank or a quote; its own value follows "=" or blanks,
    # which may hold a line continuation.
    blanks = r"(?:[ \t\n]|\\\n)+"
    return re.compile(
        rf"(?<![^\s\"'])(?P<head>{re.escape(flag)}(?:=|{blanks}))(?P<value>[^\s\"'\\;&|]*)"
    )


def _append(assigned: str, word: str) -> str:
    """Return the raw value of an assignment, quotes included, with one more word."""
    if assigned == "":
        return f'"{word}"'
    quote = assigned[-1]
    if quote in "\"'" and len(assigned) > 1 and not assigned.endswith('\\"'):
        inner = assigned[:-1]
        gap = "" if inner[-1] in "\"' \t\n" and inner.strip("\"' \t\n") == "" else " "
        return f"{inner}{gap}{word}{quote}"
    # Unquoted: what follows in double quotes still belongs to the same word.
    return f'{assigned}" {word}"'


def assignments(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the raw value of each assignment to DOCKER_OPTS, quotes included.

    Raises ValueError for an open quote, and for a here-document or a command substitution, in
    which a word that looks like an assignment need not be one.
    """
    position, word_start = 0, True
    while position < len(text):
        char = text[position]
        if word_start and char == "#":
            newline = text.find("\n", position)
            position = len(text) if newline < 0 else newline
        elif char in _WORD_ENDS:
            if text.startswith("<<", position):
                raise ValueError("There is a here-document in the file.")
            position, word_start = position + 1, True
        else:
            end = _word_end(text, position)
            found = _ASSIGNMENT.match(text, position, end) if word_start else None
            if found:
                _refuse_prefix(text, end)
                yield found.end(), end
            position, word_start = end, False


def _refuse_prefix(text: str, end: int) -> None:
    """`DOCKER_OPTS=a b` sets nothing in a shell, but sets "a b" for systemd: for a person."""
    line = text[end:].partition("\n")[0].lstrip(" \t")
    if line and line[0] not in ";#&":
        raise ValueError("DOCKER_OPTS holds blanks without quotes.")


def _word_end(text: str, position: int) -> int:
    """Return where the shell word that begins at `position` ends."""
    while position < len(text) and text[position] not in _WORD_ENDS:
        char = text[position]
        if char == "\\":
            position += 2
        elif char in "\"'":
            position = _quote_end(text, position)
        elif char == "`" or text.startswith("$(", position):
            raise ValueError("There is a command substitution in the file.")
        else:
            position += 1
    return min(position, len(text))


def _quote_end(text: str, position: int) -> int:
    """Return the position behind the quoted part that begins at `position`."""
    quote = text[position]
    position += 1
    while position < len(text) and text[position] != quote:
        if quote == '"' and (text[position] == "`" or text.startswith("$(", position)):
            raise ValueError("There is a command substitution in the file.")
        position += 2 if quote == '"' and text[position] == "\\" else 1
    if position >= len(text):
        raise ValueError("A quote in the file is not closed.")
    return position + 1
