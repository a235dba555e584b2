"""dockerd's configuration before and after a plan, as a unified diff. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import unified_diff

from attrs import frozen

from netops.engine.config_edit import JSON, ConfigEdit
from netops.engine.errors import MessageRejected
from netops.engine.plan import Plan
from netops.engine.serial import from_json
from netops.rules_diff import ADDED, KEPT, REMOVED, RuleLine

AROUND = 3
_FATES = {"+": ADDED, "-": REMOVED, " ": KEPT}


@frozen
class ConfigDiff:
    """`path` is the file. `whole`: the file's text was known; else `lines` are those of the key
    alone. `made`: there is no such file yet."""

    path: str
    lines: tuple[RuleLine, ...]
    whole: bool
    made: bool = False


def config_diff(plan: Plan, before: str | None) -> ConfigDiff | None:
    """Return what the plan does to the configuration file, None if it writes none.

    `before` is the file's text that the plan was made from, None where it is not known.
    """
    step = next((s for s in plan.steps if s.kind == "write_config"), None)
    if step is None:
        return None
    try:
        edit = from_json(ConfigEdit, step.params.get("edit"))
    except MessageRejected:
        return None
    config = plan.basis.get("config")
    section = config if isinstance(config, dict) else {}
    made = section.get(f"content of {edit.path}") == "absent" and edit.format == JSON
    if made or before is not None:
        lines = _file_lines(edit, None if made else before)
        if lines is not None:
            return ConfigDiff(edit.path, lines, whole=True, made=made)
    return ConfigDiff(edit.path, _key_lines(edit, section), whole=False)


def _file_lines(edit: ConfigEdit, before: str | None) -> tuple[RuleLine, ...] | None:
    try:
        after = edit.applied_to(None if before is None else before.encode()).decode()
    except ValueError:
        return None
    old, new = (before or "").splitlines(), after.splitlines()
    # The first two lines of a unified diff name the files.
    rows = list(unified_diff(old, new, n=AROUND, lineterm=""))[2:]
    return tuple(RuleLine(_FATES[r[0]], r[1:]) for r in rows if r[:1] in _FATES)


def _key_lines(edit: ConfigEdit, section: Mapping[str, object]) -> tuple[RuleLine, ...]:
    told = section.get(edit.key)
    was = told.get("value") if isinstance(told, dict) else None
    removed = [RuleLine(REMOVED, _setting(edit, str(was)))] if was else []
    return (*removed, RuleLine(ADDED, _setting(edit, edit.value)))


def _setting(edit: ConfigEdit, value: str) -> str:
    return f'"{edit.key}": "{value}"' if edit.format == JSON else f"--{edit.key}={value}"
