"""Reads what a page says, so that tests do not depend on its markup."""

from __future__ import annotations

from html.parser import HTMLParser

from django.http.response import HttpResponseBase

_SILENT = {"script", "style"}
_BLOCK = {"td", "th", "div", "li", "p", "dt", "dd", "h1", "h2", "label"}
_VOID = {"input", "img", "link", "meta", "br", "path", "hr"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._open: list[str] = []
        self._inside: dict[str, list[str]] = {}
        self._ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.tags.append((tag, named))
        if tag not in _VOID:
            self._open.append(tag)
            self._ids.append(named.get("id", ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCK:
            self.handle_data(" ")
        if tag in self._open:
            while self._open and self._open.pop() != tag:
                self._ids.pop()
            self._ids.pop()

    def handle_data(self, data: str) -> None:
        if _SILENT.isdisjoint(self._open):
            self.words.append(data)
            for name in filter(None, self._ids):
                self._inside.setdefault(name, []).append(data)

    def inside(self, name: str) -> str:
        return " ".join("".join(self._inside.get(name, [])).split())


def _read(page: HttpResponseBase | str) -> _Reader:
    reader = _Reader()
    reader.feed(page if isinstance(page, str) else page.content.decode())  # type: ignore[attr-defined]
    return reader


def text(page: HttpResponseBase | str) -> str:
    """Return the words of a page, single spaced."""
    return " ".join("".join(_read(page).words).split())


def text_of(page: HttpResponseBase | str, name: str) -> str:
    """Return the words inside the element with that id, "" if there is none."""
    return _read(page).inside(name)


def fields(page: HttpResponseBase | str) -> dict[str, str]:
    """Return the values of the inputs by name (of ticked boxes the last)."""
    found: dict[str, str] = {}
    for tag, named in _read(page).tags:
        boxed = named.get("type") in ("checkbox", "radio") and "checked" not in named
        if tag == "input" and "name" in named and not boxed:
            found[named["name"]] = named.get("value", "")
    return found


def targets(page: HttpResponseBase | str) -> set[str]:
    """Return where its forms and links lead to."""
    wanted = ("href", "action", "formaction")
    return {named[key] for _, named in _read(page).tags for key in wanted if key in named}


def tags(page: HttpResponseBase | str, name: str) -> list[dict[str, str]]:
    """Return the attributes of every element of that name."""
    return [named for tag, named in _read(page).tags if tag == name]
