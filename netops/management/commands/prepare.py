from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import OperationalError


class Command(BaseCommand):
    """Brings the database and the static files up to date; does nothing where they are."""

    help = "Bring database and static files up to date."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            call_command("migrate", verbosity=0, interactive=False)
        except OperationalError as error:
            reason = str(error).strip().partition("\n")[0]
            message = f"The database of DATABASE_URL does not answer: {reason}"
            raise ImproperlyConfigured(message) from error
        stamp = settings.STATIC_ROOT / ".collected"
        seen = _fingerprint()
        if not stamp.exists() or stamp.read_text() != seen:
            ignored = ["*.map", "redoc*"]
            call_command("collectstatic", verbosity=0, interactive=False, ignore_patterns=ignored)
            stamp.write_text(seen)


def _fingerprint() -> str:
    """Names, sizes and times of the source files: a change in any of them collects them anew."""
    import django_htmx
    import ninja

    folders = [Path(str(f)) for f in settings.STATICFILES_DIRS]
    folders += [Path(str(m.__file__)).parent / "static" for m in (django_htmx, ninja)]
    folders += [settings.BASE_DIR / app / "static" for app in ("people", "hosts", "netops")]
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    rows = (f"{p} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in files)
    return "\n".join(rows)
