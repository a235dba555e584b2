"""Every link of the documents leads somewhere, and every picture can be read in the dark too."""

from __future__ import annotations

import re
from pathlib import Path
from xml.dom import minidom

import pytest

from teach.glossary import TERMS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def anchors(path: Path) -> set[str]:
    """Return the places of a document that a link may name, as GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_it_links_to_what_is_there(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if link.startswith(("http://", "https://", "/")):
            continue
        name, _, place = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        assert not place or place in anchors(target), f"{page.name}: {link}"


def test_it_has_a_document_for_each_term() -> None:
    for term in TERMS.values():
        assert (ROOT / term.more).is_file(), term.key


def test_it_leads_from_the_index_to_every_document() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    for page in (ROOT / "docs").rglob("*.md"):
        name = str(page.relative_to(ROOT / "docs"))
        assert name == "README.md" or name.startswith("adr/") or f"({name})" in index, name


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "pictures").glob("*.svg")), ids=lambda p: p.name
)
def test_it_draws_pictures_that_say_what_they_show(path: Path) -> None:
    drawing = minidom.parse(str(path)).documentElement
    assert drawing.getAttribute("role") == "img"
    assert drawing.getAttribute("aria-label")
    assert "prefers-color-scheme:dark" in path.read_text().replace(" ", "")
