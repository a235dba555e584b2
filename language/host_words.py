"""What a host said, in the reader's language.

The text itself stays as it came: a plan's digest covers it, and the record keeps it. Where a text
is one of the engine's sentences, the page shows its translation with the same values; any other
text, like a program's output, is shown as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache

from django.utils.translation import get_language
from django.utils.translation.trans_real import translation

from language.catalogue import HOST

_PLACE = re.compile(r"\{(\d+)\}")
_CONTEXT = f"{HOST}\x04"
# A sentence within a sentence ("{0} Mend that."): no deeper than the engine nests them.
_DEPTH = 3
_LONGEST = 2000


def host_words(text: str) -> str:
    """Return a host's text in the language that is active, itself where it is none of ours."""
    language = get_language() or "en"
    if language.startswith("en") or not text or len(text) > _LONGEST:
        return text
    return _said(language, text, _DEPTH)


@lru_cache(maxsize=4096)
def _said(language: str, text: str, depth: int) -> str:
    for pattern, places, translated in _patterns(language):
        found = pattern.fullmatch(text)
        if found is None:
            continue
        values = dict(zip(places, found.groups(), strict=True))
        if depth > 1:
            values = {place: _said(language, value, depth - 1) for place, value in values.items()}
        return _filled(translated, values)
    return text


def _filled(translated: str, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), translated)


@lru_cache(maxsize=8)
def _patterns(language: str) -> tuple[tuple[re.Pattern[str], tuple[str, ...], str], ...]:
    """Return the sentences as patterns, those with the most fixed text first."""
    catalogue = getattr(translation(language), "_catalog", {})
    rows = []
    for key, translated in catalogue.items():
        if not isinstance(key, str) or not key.startswith(_CONTEXT):
            continue
        sentence = key.removeprefix(_CONTEXT)
        parts = _PLACE.split(sentence)
        source = "".join(
            "(.*?)" if number % 2 else re.escape(part) for number, part in enumerate(parts)
        )
        fixed = sum(map(len, parts[::2]))
        rows.append((fixed, re.compile(source, re.DOTALL), tuple(parts[1::2]), translated))
    rows.sort(key=lambda row: (-row[0], row[1].pattern))
    return tuple((pattern, places, translated) for _, pattern, places, translated in rows)
