"""The Korean of the pages is complete and fits the source."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from language.catalogue import SAID, text_file
from language.management.commands.messages import template_of_source

PLACE = re.compile(r"%\(\w+\)(?:\.\d+)?[sdf]|%%|\{\w+\}|</?\w+|`[^`]+`")


@pytest.fixture(scope="module")
def korean() -> Catalog:
    """Return the Korean catalogue as translators left it."""
    with text_file("ko").open("rb") as text:
        return read_po(text)


def messages(catalogue: Catalog) -> Iterator[Message]:
    """Yield the texts of a catalogue, without its head."""
    return (message for message in catalogue if message.id)


def key(message: Message) -> tuple[str, object]:
    """Return what a text is known by."""
    return (message.context or "", message.id)


def test_it_has_every_text_of_the_source_and_no_other(korean: Catalog) -> None:
    kept = {key(message) for message in messages(korean)}
    source = {key(message) for message in messages(template_of_source())}
    assert not source - kept, "run ./dockernet manage messages, then translate"
    assert not kept - source, "run ./dockernet manage messages"
    assert not korean.obsolete


def test_every_text_is_translated_for_certain(korean: Catalog) -> None:
    for message in messages(korean):
        told = message.string if isinstance(message.string, list | tuple) else [message.string]
        assert told, message.id
        assert all(told), message.id
        assert not message.fuzzy, message.id


def test_a_translation_has_the_values_and_the_marks_of_its_text(korean: Catalog) -> None:
    for message in messages(korean):
        several = isinstance(message.id, list | tuple)
        source = message.id[-1] if several else message.id
        told = message.string[0] if several else message.string
        has, needs = set(PLACE.findall(told)), set(PLACE.findall(source))
        # A host's sentence may hold bits of English grammar ("it", "them") that Korean has not.
        assert has == needs or (message.context == SAID and has < needs), source
