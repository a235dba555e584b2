"""docs/reference/settings.md: every environment variable that the site reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from teach.reference.setting_words import WORDS
from teach.reference.source import ROOT, calls_in, name_of, string_of
from teach.reference.table import NOTE, table

_KINDS = {
    "choice": "one of the words",
    "file": "a file",
    "flag": "yes or no",
    "folder": "a folder",
    "networks": "addresses, networks",
    "number": "a number",
    "text": "text",
    "url": "a URL",
    "words": "words",
}


def _files() -> list[str]:
    paths = [*(ROOT / "dockernet_site").glob("*.py"), *ROOT.glob("*/management/commands/*.py")]
    return sorted(str(path.relative_to(ROOT)) for path in paths)


def _reads() -> Iterator[tuple[str, ast.Call]]:
    for call in (call for path in _files() for call in calls_in(path) if call.args):
        source = ast.unparse(call.func)
        if source == "os.environ.get" or source.startswith("env."):
            name = string_of(call.args[0])
            if name and name.isupper():
                yield name, call


def _default(call: ast.Call) -> str:
    """Return what the source says: a constant, or nothing where it is worked out."""
    if len(call.args) < 2 or not isinstance(call.args[1], ast.Constant):
        return ""
    value = call.args[1].value
    return f"`{value}`" if isinstance(value, str | int) and value != "" else ""


def _kind(call: ast.Call) -> str:
    name = name_of(call)
    bounds = {word.arg: ast.unparse(word.value) for word in call.keywords}
    kind = _KINDS.get(name, "text")
    if name == "number" and {"low", "high"} <= bounds.keys():
        kind += f", {bounds['low']} to {bounds['high']}"
    return kind.replace("_", "")


def variables() -> dict[str, tuple[str, str]]:
    """Return kind and default of each variable that is read."""
    found: dict[str, tuple[str, str]] = {}
    for name, call in _reads():
        kind, default = _kind(call), _default(call)
        if name not in found or (default and not found[name][1]):
            found[name] = (kind, default)
    return dict(sorted(found.items()))


def settings_page() -> str:
    """Return the page. Raises KeyError for a variable that nobody has explained."""
    rows = [(f"`{name}`", WORDS[name], *told) for name, told in variables().items()]
    told = table(("variable", "what", "kind", "default"), rows)
    return (
        f"# Environment variables\n\n{NOTE}\nA bad value stops the start with one line that names "
        f"the variable. More in [deploy.md](../deploy.md).\n\n{told}"
    )
