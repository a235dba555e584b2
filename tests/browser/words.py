"""What a page says in the language of a test, named by its English.

A test that is marked with BOTH runs in English and in Korean: its browser asks for that language,
and its fixture `words` gives the words that are then looked for.
"""

from __future__ import annotations

import re
from functools import cache

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from language.catalogue import SAID, text_file

LOCALES = {"en": "en-GB", "ko": "ko-KR"}
# By module, so that a site that depends on the language serves all tests of the one first.
BOTH = pytest.mark.parametrize("language", list(LOCALES), indirect=True, scope="module")


@cache
def _catalogue() -> Catalog:
    with text_file("ko").open("rb") as text:
        return read_po(text)


class Words:
    """The words of one language ("en" or "ko")."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, english: str, *args: object, **values: object) -> str:
        """Return what stands on the page for a text of the catalogue, with its values, without
        its tags. KeyError: no text of the site is like that."""
        said = _korean(english)
        text = said if self.language == "ko" else english
        text = text % values if values else text.format(*args) if args else text
        return " ".join(re.sub(r"<[^>]+>", "", text).split())


def _korean(english: str) -> str:
    catalogue = _catalogue()
    message = catalogue.get(english) or catalogue.get(english, SAID) or _with_plural(english)
    # A plural has one form in Korean.
    return message.string[0] if message.pluralizable else str(message.string)


def _with_plural(english: str) -> Message:
    for message in _catalogue():
        if message.pluralizable and english in message.id:
            return message
    raise KeyError(f"no text of the site is {english!r}")
