"""No page in Korean has an English sentence left over, nor English words inside a Korean one.

Every address as an admin in a small world; then each page that pictures are taken of, as its
person, on the fleet of those pictures: hosts that are broken, changes in each state, rules of NAT,
freezes, groups, grants, and the log that all of it left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from hosts.models import ReservedRange
from netops.models import Approval, Change, Comment
from people.models import ApiToken, User
from policies.models import FreezeWindow, WeeklyFreeze
from tests.pages.test_every_url import NEVER, NOBODY, TABLE, paths

pytestmark = pytest.mark.django_db
Browse = Callable[[str], Client]
__all__ = ["paths"]

_SPOKEN = ("aria-label", "title", "placeholder", "alt")
_AS_IT_IS = {"code", "pre", "script", "style", "kbd", "textarea", "datalist", "option", "samp"}
# Commands that a page names as the source of a value.
_COMMANDS = re.compile(r"docker network inspect \S+|ip addr( show \S+)?")
HANGUL = re.compile(r"[가-힣]")
# Two words in a row, one of them no name, are somebody's sentence.
WORDS = re.compile(r"(?<![\w./-])[A-Za-z][a-z']+ [a-z]{2,}(?![\w./:-])")
ALONE = re.compile(r"[A-Z][a-z]{2,}")
# Words that no name, command or term of the field is made of.
SMALL = re.compile(
    r"(?<![\w./“-])(?:and|or|the|an|of|to|by|from|with|not|no|yes|none|is|are|was|were|has|have|now"
    r"|page|system|password|offline|online|default|unit|every|all|ports?|containers?|change)"
    r"(?![\w./”=-])"
)
NAMES = {"Dockernet", "Docker", "Swarm", "English", "Internet"}


class Texts(HTMLParser):
    """Collects what a page says: texts and spoken attributes, without commands."""

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
    if WORDS.search(text) or (ALONE.fullmatch(text) and text not in NAMES):
        return True
    return bool(HANGUL.search(text) and SMALL.search(text))


def english_on(client: Client, path: str, data: Iterable[str] = ()) -> set[str]:
    """Return the English of a page in Korean; `data` are words that people wrote."""
    client.cookies["django_language"] = "ko"
    answer = client.get(path)
    if "html" not in answer.headers.get("Content-Type", ""):
        return set()
    texts = Texts()
    texts.feed(answer.content.decode())
    return {text for text in texts.said if is_english(_without(text, data))}


def _without(text: str, data: Iterable[str]) -> str:
    text = _COMMANDS.sub("", text)
    for words in data:
        text = text.replace(" ".join(words.split()), "")
    return text


def told(english: dict[str, set[str]]) -> str:
    """Return each text once, a line each, after the page that has it first."""
    first: dict[str, str] = {}
    for page, texts in english.items():
        for text in texts:
            first.setdefault(text, page)
    return "\n".join(f"{page}: {text}" for text, page in first.items())


def written() -> list[str]:
    """Return what people wrote in their own words, the longest first."""
    found: set[str] = set()
    for model, names in (
        (Change, ("reason", "break_glass_reason")),
        (Approval, ("comment",)),
        (Comment, ("text",)),
        (FreezeWindow, ("reason",)),
        (WeeklyFreeze, ("reason",)),
        (ReservedRange, ("label",)),
        (ApiToken, ("label",)),
        (Group, ("name",)),
    ):
        for row in model._default_manager.values_list(*names):
            found.update(text.rstrip(".") for text in row if text)
    return sorted(found, key=len, reverse=True)


def test_it_tells_english_from_names() -> None:
    assert is_english("Nothing yet")
    assert is_english("Reason")
    assert is_english("cache, gateway and orders-db에서")
    assert is_english("none → 172.17.0.5이 됩니다")
    assert not is_english("Dockernet")
    assert not is_english("web-1")
    assert not is_english("아직 없습니다")


def test_no_english_is_left(browse: Browse, paths: Callable[[str], str]) -> None:
    english: dict[str, set[str]] = {}
    for pattern, (look, _) in TABLE.items():
        if look is NEVER or "export" in pattern or "enroll" in pattern:
            continue
        client = browse("" if look == NOBODY else "admin")
        english[pattern] = english_on(client, paths(pattern), written())
    assert not any(english.values()), told(english)


def test_no_english_is_left_on_a_fleet_with_everything(db: None) -> None:
    from tests.browser import seed
    from tests.browser.shots import PAGES

    seed.main()
    data, english = written(), dict[str, set[str]]()
    clients = {"": Client()}
    for name, (person, path) in PAGES.items():
        if person not in clients:
            clients[person] = Client()
            clients[person].force_login(User.objects.get(username=person))
        english[name] = english_on(clients[person], path, data)
    assert not any(english.values()), told(english)
