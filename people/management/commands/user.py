from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection

from netops.engine.errors import Refused
from people.models import User
from people.roles import Role
from people.services import token_issue, user_save


class Command(BaseCommand):
    """Makes or updates a user; the last line printed is a new API token."""

    help = "Make or update a user and print a new API token as the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument("--password", help="for the log-in page; left as it is when not given")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            # The first user may well be made before the site was ever up.
            if User._meta.db_table not in connection.introspection.table_names():
                call_command("migrate", verbosity=0, interactive=False)
        except OperationalError as error:
            reason = str(error).strip().partition("\n")[0]
            raise CommandError(f"The database does not answer: {reason}") from error
        try:
            user, made = user_save(
                name=options["name"], role=options["role"], password=options["password"]
            )
        except Refused as refused:
            raise CommandError(refused.message) from refused
        if options["password"] is not None:
            self._warn(options["password"], user)
        verb = "Made" if made else "Updated"
        self.stdout.write(f"{verb} the user {user.username} ({user.role}). A new API token:")
        self.stdout.write(token_issue(user=user, label="manage user"))

    def _warn(self, password: str, user: User) -> None:
        """Say that a password is weak; an admin at the console may have reasons for it."""
        try:
            validate_password(password, user)
        except ValidationError as error:
            self.stderr.write(f"The password is weak: {' '.join(error.messages)}")
