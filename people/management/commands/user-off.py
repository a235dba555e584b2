from __future__ import annotations  # noqa: N999 - its name is what people type

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.origin import Origin, origin_set
from audit.typist import typist
from netops.engine.errors import Refused
from people.services import user_switch


class Command(BaseCommand):
    """Switches a person off: sessions and tokens open nothing from now on."""

    help = "Switch a user off (sessions and tokens open nothing from now on), or on again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--undo", action="store_true", help="switch the user on again")

    def handle(self, *args: Any, **options: Any) -> None:
        name, undo = options["name"], options["undo"]
        try:
            with origin_set(Origin("command")):
                user_switch(name=name, active=undo, by=typist())
        except Refused as refused:
            raise CommandError(refused.message) from refused
        self.stdout.write(f"The user {name} is switched {'on again' if undo else 'off'}.")
