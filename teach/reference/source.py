"""Reads calls out of source files without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tree_of(path: str) -> ast.Module:
    """Return a file of the project, parsed; `path` is relative to its root."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def calls_in(path: str) -> Iterator[ast.Call]:
    """Yield every call of a file."""
    yield from (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    """Return the name that is called, without what it is an attribute of."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def string_of(node: ast.expr) -> str | None:
    """Return a constant string, None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def constant_of(path: str, name: str) -> str:
    """Return a string constant of a module. Raises LookupError if there is none of that name."""
    for node in tree_of(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            text = string_of(node.value)
            if text is not None:
                return text
    raise LookupError(f"{path} has no text {name}")
