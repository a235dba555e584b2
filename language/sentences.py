"""The sentences that hosts and services make, read off the source of the engine, the agent and the
site's services.

They travel, and are kept in the record, as finished English text. Each is an f-string there: what
stands around its values is the sentence, `{0}`, `{1}` ... stand for the values, and `{words2}` for
one that a person wrote.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from language.kept import FORMER, PHRASES

ROOT = Path(__file__).resolve().parent.parent
_WHERE = (
    "netops/engine/**/*.py",
    "netops/agent/*.py",
    "netops/ingest/*.py",
    "netops/kinds*.py",
    "netops/nat_way.py",
    "*/services/*.py",
    "notify/senders/*.py",
    "policies/access.py",
    "policies/freeze.py",
    "people/errors.py",
    "people/login_*.py",
    "hosts/observation_diff.py",
    "hosts/problems.py",
)
# What an admin reads at the host's own console stays English.
_CONSOLE = {"cli", "install_script", "uninstall", "journal_text", "main", "channel", "emitter"}
_BEGINS = re.compile(r"[A-Z“{]|(?:docker0|dockerd|live-restore|default-address-pools)\b")
_WORDS = re.compile(r"[A-Za-z’']{2,}[,:]? [a-z({“0-9]|\A[A-Z][a-z]+:? [A-Za-z{]")
_COMMAND = re.compile(r"\A[A-Z]+[a-zA-Z]*=|&&|%s|\\\\|\A\{\d\} [a-z]+ -|\A\{\d\}[a-z]")
# How the place of a person's own words begins: they stay as they were written.
WORDS = "words"
# Patterns, and what is translated where it stands.
_NOT_SAID = re.compile(r"re\.|(_|[np]?gettext(_lazy|_noop)?)\Z")
# Less fixed text than this is in many texts that mean something else.
_FEWEST_LETTERS = 6
_FEWEST_AFTER_A_WORD = 3


def said_sentences() -> Iterator[tuple[str, str, int]]:
    """Yield each sentence once: its template, the file below the project, and the line."""
    for text in (*FORMER, *PHRASES):
        yield text, "language/kept.py", 1
    seen = {*FORMER, *PHRASES}
    files = [path for pattern in _WHERE for path in ROOT.glob(pattern)]
    for path in sorted(files):
        if path.parent.name == "agent" and path.stem in _CONSOLE:
            continue
        for text, line in _texts(ast.parse(path.read_text())):
            if text not in seen and is_sentence(text):
                seen.add(text)
                yield text, str(path.relative_to(ROOT)), line


def is_sentence(text: str) -> bool:
    """Return True for words to a person, False for commands, keys and patterns."""
    plain = re.sub(r"\{\w+\}", "Xx", text)
    fixed = re.sub(r"\{\w+\}", "", text)
    if "\n" in text or not _BEGINS.match(text) or not _WORDS.search(plain):
        return False
    if _COMMAND.search(text) or (";" in text and not text.endswith(".")):
        return False
    fewest = _FEWEST_AFTER_A_WORD if re.match(r"[A-Z][a-z]+ ", text) else _FEWEST_LETTERS
    return len(re.findall(r"[A-Za-z]", fixed)) >= fewest


def _texts(tree: ast.Module) -> Iterator[tuple[str, int]]:
    inner: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            inner.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            inner.update(id(value) for value in node.values)
        elif isinstance(node, ast.Call) and _NOT_SAID.match(ast.unparse(node.func)):
            inner.update(id(value) for value in node.args)
    for node in ast.walk(tree):
        if id(node) in inner:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno
        elif isinstance(node, ast.JoinedStr):
            yield _template(node), node.lineno


def _template(node: ast.JoinedStr) -> str:
    parts, number = [], 0
    for value in node.values:
        if not isinstance(value, ast.FormattedValue):
            assert isinstance(value, ast.Constant)
            parts.append(str(value.value))
        else:
            theirs = re.search(r"\breason\Z", ast.unparse(value.value))
            parts.append(f"{{{WORDS if theirs else ''}{number}}}")
            number += 1
    return "".join(parts)
