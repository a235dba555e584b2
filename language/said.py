"""What a host or a service of the site said, in the reader's language.

The text itself stays as it came: a plan's digest covers it, the record keeps it, and the API gives
it. Where a text is one of our own sentences (language/sentences.py), the page shows its
translation with the same values; any other text, like a program's output, is shown as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache

from attrs import frozen
from django.utils.translation import get_language, pgettext
from django.utils.translation.trans_real import translation

from language.catalogue import SAID
from language.sentences import WORDS

_PLACE = re.compile(r"\{(\w+)\}")
_CONTEXT = f"{SAID}\x04"
# A sentence within a sentence ("{0} Mend that."): no deeper than the engine nests them.
_DEPTH = 4
_LONGEST = 2000
# "cache, orders-db and web", "cache, web and 3 more".
_LIST = re.compile(r"(?P<names>(?:[^\s,]+, )*[^\s,]+) and (?:(?P<more>\d+) more|(?P<last>[^\s,]+))")
# Where a sentence may end and another begin.
_END = re.compile(r"(?<=[.!?]) (?=\S)|\n(?=\S)")
_MOST_SENTENCES = 8


def said(text: str) -> str:
    """Return a host's text in the language that is active, itself where it is none of ours."""
    language = get_language() or "en"
    if language.startswith("en") or not text or len(text) > _LONGEST:
        return text
    return _said(language, text, _DEPTH)


@frozen
class Sentence:
    """One of our sentences: `parts` is what stands around its values, `places` their numbers,
    `translated` has `{0}`, `{1}` ... where the values go."""

    parts: tuple[str, ...]
    places: tuple[str, ...]
    translated: str

    def values_in(self, text: str) -> dict[str, str] | None:
        """Return the values if `text` is this sentence, else None.

        Each part is looked for once, from left to right: a host may say what it likes, and no text
        of it may cost more than one pass. Where a value holds such a part itself, the text is not
        known and stays as it is.
        """
        first, *rest = self.parts
        if not rest:
            return {} if text == first else None
        *middle, last = rest
        end = len(text) - len(last)
        if not text.startswith(first) or not text.endswith(last) or end < len(first):
            return None
        values, at = [], len(first)
        for part in middle:
            found = text.find(part, at, end)
            if found < 0:
                return None
            values.append(text[at:found])
            at = found + len(part)
        return dict(zip(self.places, [*values, text[at:end]], strict=True))


@lru_cache(maxsize=4096)
def _said(language: str, text: str, depth: int) -> str:
    longer = None
    for sentence in _sentences(language):
        values = sentence.values_in(text)
        if values is None:
            continue
        if not any(_END.search(value) for value in values.values()):
            return _whole(language, sentence, values, depth)
        # A value that holds a sentence may have swallowed what only follows.
        longer = longer or (sentence, values)
    told = _listed(text) or _titled(language, text, depth) or _one_by_one(language, text, depth)
    return _whole(language, *longer, depth) if longer and told == text else told


def _whole(language: str, sentence: Sentence, values: dict[str, str], depth: int) -> str:
    if depth > 1:
        values = {
            place: value if place.startswith(WORDS) else _value(language, value, depth - 1)
            for place, value in values.items()
        }
    return _filled(sentence.translated, values)


def _value(language: str, value: str, depth: int) -> str:
    """Return a value in the language; a sentence may have lost its point to the one around it."""
    told = _said(language, value, depth)
    if told != value or value.endswith("."):
        return told
    told = _said(language, f"{value}.", depth)
    return value if told == f"{value}." else told.removesuffix(".")


def _listed(text: str) -> str:
    """Return a list of names as the reader's language joins them, "" if it is none."""
    found = _LIST.fullmatch(text)
    if found is None:
        return ""
    values = found.groupdict()
    if values["more"]:
        return pgettext("list", "%(names)s and %(more)s more") % values
    return pgettext("list", "%(names)s and %(last)s") % values


def _titled(language: str, text: str, depth: int) -> str:
    """Return a text that begins with the title of a step, "" if it does not."""
    title, colon, rest = text.partition(": ")
    if not colon or _END.search(title):
        return ""
    told = _said(language, title, depth)
    return "" if told == title else f"{told}: {_said(language, rest, depth)}"


def _one_by_one(language: str, text: str, depth: int) -> str:
    """Return a text of several sentences or lines, each in the language where it is one of ours."""
    ends = [found.start() for found in _END.finditer(text)]
    if not ends or len(ends) > _MOST_SENTENCES:
        return text
    for end in ends:
        first = _said(language, text[:end], depth)
        if first != text[:end]:
            return first + text[end] + _said(language, text[end + 1 :], depth)
    # None of ours begins it: what a program said, and then perhaps a sentence of ours.
    return text[: ends[0] + 1] + _said(language, text[ends[0] + 1 :], depth)


def _filled(translated: str, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), translated)


@lru_cache(maxsize=8)
def _sentences(language: str) -> tuple[Sentence, ...]:
    """Return the sentences that are translated, those with the most fixed text first."""
    catalogue = getattr(translation(language), "_catalog", {})
    rows = []
    for key, translated in catalogue.items():
        if not isinstance(key, str) or not key.startswith(_CONTEXT) or not translated:
            continue
        parts = _PLACE.split(key.removeprefix(_CONTEXT))
        rows.append(Sentence(tuple(parts[::2]), tuple(parts[1::2]), translated))
    return tuple(sorted(rows, key=lambda row: (-sum(map(len, row.parts)), row.parts)))
