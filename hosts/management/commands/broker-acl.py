from __future__ import annotations  # noqa: N999 - the name of the command

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hosts.services.broker_users import broker_users, broker_users_apply
from netops.engine.errors import OperationFailed, Refused


class Command(BaseCommand):
    """Prints or applies the users of an external broker; passwords only as SHA-256."""

    help = "The broker's users that this site needs: its own and one for each host."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--apply",
            action="store_true",
            help="set them, over DOCKERNET_BROKER_ADMIN_URL or else REDIS_URL",
        )
        parser.add_argument(
            "--default-off", action="store_true", help="switch the default user off too"
        )
        parser.add_argument(
            "--aclfile", action="store_true", help="print lines of an aclfile, not of redis-cli"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            users = broker_users(default_off=options["default_off"])
            if options["apply"]:
                url = os.environ.get("DOCKERNET_BROKER_ADMIN_URL", "").strip()
                broker_users_apply(users=users, url=url or settings.REDIS_URL)
        except (Refused, OperationFailed) as error:
            raise CommandError(str(error)) from error
        if options["apply"]:
            self.stderr.write(f"{len(users)} users are set: {', '.join(u.name for u in users)}.")
            return
        for user in users:
            self.stdout.write(user.for_file if options["aclfile"] else user.for_client)
