"""Writes docs/reference/ from the code."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from teach.reference.pages import FOLDER, pages


class Command(BaseCommand):
    """`manage reference`."""

    help = "Writes docs/reference/ from the code."

    def handle(self, *args: Any, **options: Any) -> None:
        """Write each page."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name, text in pages().items():
            (FOLDER / name).write_text(text, encoding="utf-8")
            self.stdout.write(f"docs/reference/{name}")
