"""docker.service as systemd will start it next: its files, drop-ins and environment files."""

from __future__ import annotations

import glob
import re
import shlex
from pathlib import Path

from attrs import evolve, field, frozen, mutable

from netops.engine.adapters.dockerd_flags import Word
from netops.engine.adapters.systemctl import show

# systemd.unit(5), table 1, without those that it writes itself.
_FOLDERS = (
    "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system", "/lib/systemd/system",
)  # fmt: skip
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")


@frozen
class UnitCommand:
    """What docker.service runs: its program, and its words each with the place that it stands in.

    `reload_needed`: systemd would still run what the files had when it last read them.
    """

    program: str
    words: tuple[Word, ...]
    reload_needed: bool = False


@frozen
class _Variable:
    """A variable of the service's environment; `origin` and `path` say who sets it."""

    value: str
    origin: str
    path: str


@mutable
class _Unit:
    """What the unit's files, read in order, say of [Service]."""

    command: str = ""
    origin: str = "unit"
    path: str = ""
    files: list[tuple[str, str]] = field(factory=list)
    variables: dict[str, _Variable] = field(factory=dict)


def unit_command(unit: str = "docker.service") -> UnitCommand:
    """Return dockerd's command line as the unit gives it. Raises OperationFailed."""
    shown = show(unit, "FragmentPath", "DropInPaths", "NeedDaemonReload")
    read = [shown.get("FragmentPath", ""), *shown.get("DropInPaths", "").split()]
    there = _files_of(unit, *read)
    changed = shown.get("NeedDaemonReload") == "yes" or there != read
    return evolve(read_unit([path for path in there if path]), reload_needed=changed)


def _files_of(unit: str, fragment: str, *drop_ins: str) -> list[str]:
    """Return the files that systemd would read, given those that it has read.

    NeedDaemonReload tells of edits of these, but neither of a unit file in a folder that goes
    before, nor of drop-ins in a folder that was not there (its cache of paths; seen on 252).
    """
    found = {Path(path).name: path for path in drop_ins}
    for folder in _FOLDERS:
        for path in sorted(Path(folder, f"{unit}.d").glob("*.conf")):
            if path.name not in found and _has_text(path):
                found[path.name] = str(path)
    units = (Path(folder, unit) for folder in _FOLDERS)
    first = next((path for path in units if path.exists()), None)
    if fragment and first is not None and first.resolve() != Path(fragment).resolve():
        fragment = str(first)
    if len(found) == len(drop_ins):
        return [fragment, *drop_ins]
    return [fragment, *(found[name] for name in sorted(found))]


def _has_text(path: Path) -> bool:
    try:
        return path.stat().st_size > 0  # none of a masked one, a link to /dev/null
    except OSError:
        return False


def read_unit(paths: list[str]) -> UnitCommand:
    """Return what a unit file and its drop-ins, in systemd's order, have it run."""
    unit = _Unit()
    for number, path in enumerate(paths):
        for name, value in _service_lines(path):
            _take(unit, name, value, "drop-in" if number else "unit", path)
    # Environment files win over Environment= (systemd.exec(5)).
    for pattern, origin in unit.files:
        for path in sorted(glob.glob(pattern)) or [pattern]:  # noqa: PTH207
            for name, value in read_environment_file(path).items():
                place = "DOCKER_OPTS" if name == "DOCKER_OPTS" else origin
                unit.variables[name] = _Variable(value, place, path)
    # Before the program stand systemd's prefixes, if any (systemd.service(5)).
    program = next(iter(_split(unit.command)), "").lstrip("@-:+!|")
    return UnitCommand(program, _expand(unit))


def _take(unit: _Unit, name: str, value: str, origin: str, path: str) -> None:
    if name == "ExecStart":
        # An empty one drops those before it, without which a drop-in cannot set another.
        unit.command, unit.origin, unit.path = value, origin, path
    elif name == "EnvironmentFile":
        if value:
            unit.files.append((value.lstrip("-"), origin))
        else:
            unit.files.clear()
    elif name == "Environment":
        if not value:
            unit.variables.clear()
        for word in _split(value):
            key, equals, text = word.partition("=")
            if equals:
                unit.variables[key] = _Variable(text, origin, path)


def _service_lines(path: str) -> list[tuple[str, str]]:
    """Return the (name, value) pairs of a unit file's [Service] section (systemd.syntax(7))."""
    try:
        text = Path(path).read_text(errors="replace")
    except OSError:
        return []
    found, section, pending = [], "", ""
    for line in text.splitlines():
        if line.lstrip()[:1] in ("#", ";"):
            continue  # also in the middle of a continued line
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        line, pending = (pending + line).strip(), ""
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line:
            name, _, value = line.partition("=")
            found.append((name.strip(), value.strip()))
    return found


def _expand(unit: _Unit) -> tuple[Word, ...]:
    words: list[Word] = []
    for number, text in enumerate(_split(unit.command)):
        if number == 0:
            continue  # the program
        alone = re.fullmatch(r"\$(\w+)", text)
        if alone:  # A variable as a word of its own is split at blanks, quotes honoured.
            variable = unit.variables.get(alone[1])
            if variable:
                words += [Word(w, variable.origin, variable.path) for w in _split(variable.value)]
            continue
        words.append(Word(_substitute(text, unit.variables), unit.origin, unit.path))
    return tuple(words)


def _substitute(text: str, variables: dict[str, _Variable]) -> str:
    def replace(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        name = found[1]
        if name is None:
            return found[0]  # Only ${NAME} is replaced inside a word.
        return variables[name].value if name in variables else ""

    return _VARIABLE.sub(replace, text).replace("%%", "%")


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def read_environment_file(path: str) -> dict[str, str]:
    """Return the variables of an EnvironmentFile= as systemd reads it, which is not as sh does.

    No `export`, no expansion; an unquoted value goes to the end of its line (systemd.exec(5)).
    """
    try:
        text = Path(path).read_text(errors="replace")
    except OSError:
        return {}
    found: dict[str, str] = {}
    for line in _logical_lines(text):
        name, equals, value = line.partition("=")
        name = name.strip()
        if equals and re.fullmatch(r"[A-Za-z_]\w*", name):
            found[name] = _unquote(value.strip())
    return found


def _logical_lines(text: str) -> list[str]:
    """Join lines that a backslash or an open quote continues; comments are left out."""
    lines: list[str] = []
    pending, quote = "", ""
    for line in text.split("\n"):
        if not pending and line.lstrip()[:1] in ("#", ";"):
            continue
        quote = _open_quote(line, quote)
        if quote:
            pending += line.removesuffix("\\") + ("" if line.endswith("\\") else "\n")
        elif line.endswith("\\"):
            pending += line[:-1]
        else:
            lines.append(pending + line)
            pending = ""
    return [*lines, pending] if pending else lines


def _open_quote(line: str, quote: str) -> str:
    """Return the quote that is open at the end of `line`, "" if none; `quote`: at its begin."""
    escaped = False
    for char in line:
        if escaped:
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
    return quote


def _unquote(value: str) -> str:
    result, quote, escaped = "", "", False
    for char in value:
        if escaped:
            result, escaped = result + char, False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote, result = ("", result) if char == quote else (quote, result + char)
        elif char in "\"'":
            quote = char
        else:
            result += char
    return result
