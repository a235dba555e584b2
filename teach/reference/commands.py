"""docs/reference/commands.md: what can be typed, at the site and at a host's console."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from django.core.management import get_commands, load_command_class

from teach.reference.source import calls_in, constant_of, name_of, string_of
from teach.reference.table import NOTE, table

_AGENT = "netops/agent/cli.py"
_OWN = ("hosts", "language", "netops", "people", "policies", "teach")


def _managed() -> Iterator[tuple[str, str]]:
    for name, app in sorted(get_commands().items()):
        if isinstance(app, str) and app in _OWN:
            command = load_command_class(app, name)
            parser = command.create_parser("manage", name)
            usage = " ".join(_argument(action) for action in parser._actions if _own(action))
            yield f"`manage {name}{' ' if usage else ''}{usage}`", command.help


def _own(action: argparse.Action) -> bool:
    """True for what the command itself takes; Django gives its options to all of them."""
    given = {
        "help", "version", "verbosity", "settings", "pythonpath", "traceback", "no_color",
        "force_color", "skip_checks",
    }  # fmt: skip
    return action.dest not in given


def _argument(action: argparse.Action) -> str:
    name = action.option_strings[-1] if action.option_strings else action.dest.upper()
    value = f" {action.dest.upper()}" if action.option_strings and action.nargs != 0 else ""
    return name + value if action.required else f"[{name}{value}]"


def _agent() -> Iterator[tuple[str, str]]:
    for call in calls_in(_AGENT):
        if name_of(call) == "add_parser" and call.args:
            told = [string_of(word.value) for word in call.keywords if word.arg == "help"]
            if told:
                yield f"`dockernet-agent {string_of(call.args[0])}`", told[0] or ""


def commands_page() -> str:
    """Return the page."""
    usage = constant_of("dockernet", "USAGE").rstrip()
    heads = ("command", "what it does")
    return (
        f"# Commands\n\n{NOTE}\n## At the site\n\n```\n{usage}\n```\n\n{table(heads, _managed())}"
        f"\n## At a host's console\n\n{table(heads, sorted(_agent()))}"
    )
