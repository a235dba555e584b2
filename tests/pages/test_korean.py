"""No page in Korean has an English sentence left over."""

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
HANGUL = re.compile(r"[가-힣]")
# Two words in a row, one of them no name, are somebody's sentence.
WORDS = re.compile(r"\b[A-Za-z][a-z']+ [a-z]{2,}\b")
ALONE = re.compile(r"[A-Z][a-z]{2,}")
# What the tests put in, proper names, and commands that a page names as the source of a value.
DATA = re.compile(
    r"The VPN of the Seoul office|admin: account menu|docker network inspect|ip addr show"
    r"|The plan is ready\.|asks for a plan\."
)
NAMES = {"Dockernet", "Docker", "Swarm", "English", "Internet"}


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


def is_english(text: str) -> bool:
    """Return True for words that a reader of Korean should not meet."""
    if HANGUL.search(text) or DATA.search(text):
        return False
    return bool(WORDS.search(text)) or bool(ALONE.fullmatch(text) and text not in NAMES)


def test_it_tells_english_from_names() -> None:
    assert is_english("Nothing yet")
    assert is_english("Reason")
    assert not is_english("Dockernet")
    assert not is_english("web-1")
    assert not is_english("아직 없습니다")


def test_no_english_is_left(browse: Browse, paths: Callable[[str], str]) -> None:
    english: dict[str, set[str]] = {}
    for pattern, (look, _) in TABLE.items():
        if look is NEVER or "export" in pattern or "enroll" in pattern:
            continue
        client = browse("" if look == NOBODY else "admin")
        client.cookies["django_language"] = "ko"
        answer = client.get(paths(pattern))
        if answer.status_code != 200 or "html" not in answer.headers["Content-Type"]:
            continue
        texts = Texts()
        texts.feed(answer.content.decode())
        if found := {text for text in texts.said if is_english(text)}:
            english[pattern] = found
    assert not english
