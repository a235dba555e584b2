from __future__ import annotations

import getpass
import os
from argparse import ArgumentTypeError
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection

from audit.models import Entry
from audit.origin import Origin, origin_set
from netops.engine.errors import Refused
from people.models import User
from people.roles import Role
from people.services import DEFAULT_DAYS, MOST_DAYS, token_issue, user_save


class Command(BaseCommand):
    """Makes or updates a user; the last line printed is a new API token."""

    help = "Make or update a user and print a new API token as the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument("--password", help="for the log-in page; left as it is when not given")
        parser.add_argument(
            "--token-days",
            type=_days,
            default=DEFAULT_DAYS,
            metavar="N",
            help=f"how long the new token is good ({DEFAULT_DAYS} days), or never: no end",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            # The first user may well be made before the site was ever up, or up in this version.
            tables = {User._meta.db_table, Entry._meta.db_table}
            if not tables.issubset(connection.introspection.table_names()):
                call_command("migrate", verbosity=0, interactive=False)
        except OperationalError as error:
            reason = str(error).strip().partition("\n")[0]
            raise CommandError(f"The database does not answer: {reason}") from error
        with origin_set(Origin("command")):
            self._save(options, f"{_typist()} (shell)")

    def _save(self, options: dict[str, Any], by: str) -> None:
        days = options["token_days"]
        try:
            user, made = user_save(
                name=options["name"], role=options["role"], password=options["password"], by=by
            )
        except Refused as refused:
            raise CommandError(refused.message) from refused
        verb = "Made" if made else "Updated"
        until = "that never expires" if days is None else f"for {days} days"
        self.stdout.write(
            f"{verb} the user {user.username} ({user.role}). A new API token {until}:"
        )
        self.stdout.write(token_issue(user=user, label="manage user", days=days, by=by))


def _days(text: str) -> int | None:
    if text == "never":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DAYS:
        raise ArgumentTypeError(f"a number from 1 to {MOST_DAYS}, or never")
    return int(text)


def _typist() -> str:
    """Who typed the command: the account behind sudo, where there is one."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
