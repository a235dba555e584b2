from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand

from netops.ingest.reader import Reader


class Command(BaseCommand):
    """Takes down what the hosts report, until SIGTERM."""

    help = "Read the streams of all hosts into the database."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        reader = Reader()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: reader.stop())
        reader.run()
