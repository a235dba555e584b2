"""docs/reference/findings.md: the codes and severities of the engine, and what each means."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from netops.engine.desired import KINDS
from teach.reference.source import ROOT, calls_in, name_of, string_of
from teach.reference.table import NOTE, table
from teach.reference.words_nat import NAT
from teach.reference.words_subnet import SUBNET

_FOLDER = "netops/engine/findings"
_NAT_FILES = ("nat.py", "nat_case.py", "nat_source.py", "nat_targets.py")
_SEVERITIES = ("blocker", "warning", "info")
_FRONT_ENDS = ("firewalld", "ufw")
_INTRO = """# Findings of a plan

A plan lists what its reader must know. **Blockers** stop it: nobody can approve it. Each message
on the page names the very address, route, rule, file or container.

"""
_ACCEPT = """
Blockers that can be accepted in the request (`"accept": ["overlaps-route"]`, or the ticks in the
form) are then shown as warnings.

"""


def codes_of(paths: Iterable[str]) -> dict[str, str]:
    """Return the severity of each code that the files make."""
    found: dict[str, str] = {}
    for call in (call for path in paths for call in calls_in(path) if call.args):
        name, first = name_of(call), call.args[0]
        if name == "Finding" and len(call.args) > 1 and isinstance(call.args[1], ast.Name):
            name = call.args[1].id.lower()
        if name not in _SEVERITIES:
            continue
        if isinstance(first, ast.JoinedStr):
            found.update({f"{program}-active": name for program in _FRONT_ENDS})
        elif code := string_of(first):
            found[code] = name
    return found


def subnet_codes() -> dict[str, str]:
    """Return the codes of a subnet change with their severities."""
    files = sorted(p.name for p in (ROOT / _FOLDER).glob("*.py") if p.name not in _NAT_FILES)
    return codes_of([*(f"{_FOLDER}/{name}" for name in files), "netops/engine/nat_follow.py"])


def nat_codes() -> dict[str, str]:
    """Return the codes of a NAT change with their severities."""
    return codes_of(f"{_FOLDER}/{name}" for name in _NAT_FILES)


def _table(codes: Mapping[str, str], words: Mapping[str, tuple[str, str]]) -> str:
    def severity(code: str) -> str:
        more = ", acceptable" if code in risks and codes[code] == "blocker" else ""
        return codes[code] + more

    risks = {code for entry in KINDS.values() for code in entry.acceptable}

    order = sorted(codes, key=lambda code: (_SEVERITIES.index(codes[code]), code))
    rows = [(f"`{code}`", severity(code), *words[code]) for code in order]
    return table(("code", "severity", "what it means", "what to do"), rows)


def findings_page() -> str:
    """Return the page. Raises KeyError for a code that nobody has explained."""
    subnet, nat = _table(subnet_codes(), SUBNET), _table(nat_codes(), NAT)
    return f"{_INTRO}{NOTE}\n## Of a subnet change\n{_ACCEPT}{subnet}\n## Of a NAT change\n\n{nat}"
