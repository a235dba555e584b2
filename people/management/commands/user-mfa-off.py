from __future__ import annotations  # noqa: N999 - its name is what people type

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.origin import Origin, origin_set
from audit.typist import typist
from netops.engine.errors import Refused
from people.services import second_factors_remove


class Command(BaseCommand):
    """Takes the second factors of a person away who has lost phone and codes."""

    help = "Take the second factors of a user away, who has lost phone and recovery codes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        try:
            with origin_set(Origin("command")):
                second_factors_remove(name=name, by=typist())
        except Refused as refused:
            raise CommandError(refused.message) from refused
        self.stdout.write(
            f"{name} logs in with the password alone now, and can set up another app."
        )
