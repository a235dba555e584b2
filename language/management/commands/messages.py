from __future__ import annotations

from io import BytesIO
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.core.management.base import BaseCommand

from language.catalogue import text_file
from language.extract import texts

_NOT_KEPT = (
    '"POT-Creation-Date',
    '"PO-Revision-Date',
    '"Report-Msgid-Bugs-To',
    '"Last-Translator',
    '"Generated-By',
)


class Command(BaseCommand):
    """Brings the catalogues of locale/ up to date with the source; what is translated stays."""

    help = "Bring the catalogues of locale/ up to date with the source."

    def handle(self, *args: Any, **options: Any) -> None:
        template = template_of_source()
        for language in dict(settings.LANGUAGES):
            if language == "en":
                continue
            path = text_file(language)
            with path.open("rb") as text:
                catalogue = read_po(text, locale=language)
            catalogue.update(template, no_fuzzy_matching=True)
            catalogue.obsolete.clear()
            path.write_text(as_text(catalogue))
            missing = sum(1 for message in catalogue if message.id and not _translated(message))
            self.stdout.write(f"{language}: {len(catalogue)} texts, {missing} not translated")


def as_text(catalogue: Catalog) -> str:
    """Return a catalogue as it is kept: without dates and authors, which version control knows."""
    whole = BytesIO()
    write_po(whole, catalogue, width=100, sort_output=True)
    lines = whole.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(_NOT_KEPT))


def template_of_source() -> Catalog:
    """Return every text of the source as an empty catalogue."""
    catalogue = Catalog(domain="django", project="Dockernet", charset="utf-8")
    for text in texts():
        ids = text.ids[0] if len(text.ids) == 1 else text.ids
        # No line numbers: they would change with every edit of the source.
        catalogue.add(ids, locations=[(text.place[0], 0)], context=text.context or None)
    return catalogue


def _translated(message: Any) -> bool:
    told = message.string
    return all(told) if isinstance(told, list | tuple) else bool(told)
