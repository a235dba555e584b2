"""What a host or a service of the site said, in the reader's language.

The text itself stays as it came: a plan's digest covers it, the record keeps it, and the API gives
it. Where a text is one of our own sentences (language/sentences.py), the page shows its
translation with the same values; any other text, like a program's output, is shown as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache

from attrs import frozen
from django.utils.translation import get_language
from django.utils.translation.trans_real import translation

from language.catalogue import SAID

_PLACE = re.compile(r"\{(\w+)\}")
_CONTEXT = f"{SAID}\x04"
# A sentence within a sentence ("{0} Mend that."): no deeper than the engine nests them.
_DEPTH = 3
_LONGEST = 2000


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
    for sentence in _sentences(language):
        values = sentence.values_in(text)
        if values is None:
            continue
        if depth > 1:
            values = {place: _said(language, value, depth - 1) for place, value in values.items()}
        return _filled(sentence.translated, values)
    return text


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
