"""Tables as Markdown has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTE = "<!-- Made by `./dockernet manage reference`; edit the code, not this file. -->\n"


def cell(text: str) -> str:
    """Return a text that stays in its cell."""
    return " ".join(text.split()).replace("|", "\\|")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with a line at its end."""
    lines = [heads, ["---"] * len(heads), *([cell(c) for c in row] for row in rows)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
