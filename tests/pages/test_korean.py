"""No page in Korean has English left over."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from django.test import Client

from tests.pages.test_every_url import NEVER, NOBODY, TABLE, paths

pytestmark = pytest.mark.django_db
Browse = Callable[[str], Client]
__all__ = ["paths"]

_SPOKEN = ("aria-label", "title", "placeholder", "alt")
_AS_IT_IS = {"code", "pre", "script", "style", "kbd", "textarea", "datalist", "option"}
_VOID = {"input", "img", "link", "meta", "br", "hr", "wbr"}
ENGLISH = re.compile(r"[A-Za-z]{2,}")
HANGUL = re.compile(r"[가-힣]")
# Proper names, terms that Korean engineers write like this, and what the tests put in.
ALLOWED = set("Dockernet".split())


class Texts(HTMLParser):
    """Collects what a page says: texts and spoken attributes, without commands and data."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.said += [value for name, value in attrs if name in _SPOKEN and value]
        if tag in _AS_IT_IS:
            self._silent.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.said.append(" ".join(data.split()))


def left_over(page: str) -> set[str]:
    """Return the texts of a page that are English."""
    texts = Texts()
    texts.feed(page)
    return {
        text
        for text in texts.said
        if not HANGUL.search(text) and set(ENGLISH.findall(text)) - ALLOWED
    }


def test_no_english_is_left(browse: Browse, paths: Callable[[str], str]) -> None:
    english: dict[str, set[str]] = {}
    for pattern, (look, _) in TABLE.items():
        if look is NEVER or "export" in pattern or "enroll" in pattern:
            continue
        client = browse("" if look == NOBODY else "admin")
        client.cookies["django_language"] = "ko"
        answer = client.get(paths(pattern))
        if answer.status_code == 200 and "html" in answer.headers["Content-Type"]:
            if found := left_over(answer.content.decode()):
                english[pattern] = found
    import json; open("/tmp/left.json","w").write(json.dumps({k: sorted(v) for k, v in english.items()}, ensure_ascii=False, indent=0)); assert not english
