"""Every page in every look, in one pass: its picture, axe-core, its width, what the browser says.

The pictures are in var/screenshots, or where DOCKERNET_SCREENSHOTS points.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from attrs import define, field
from playwright.sync_api import Browser, Page

from tests.browser.shots import KEY, LOOKS, PAGES, picture, visits
from tests.browser.site import seeded_site

pytestmark = pytest.mark.browser
AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
# The same as host-switch-5 to axe, forty times over: it takes ten seconds to look at it.
LARGE = ("host-switch-200",)
# What a page's structure violates it violates in either theme; only colours differ in the dark.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
RUN = """async options => (await axe.run(document, {resultTypes: ["violations"], ...options}))
    .violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 4).map(n =>
    n.html.slice(0, 200) + " " + n.any.concat(n.all).map(c => c.message).join(" ").slice(0, 200))}))
"""


@define
class Tour:
    """What the pass over all pages found."""

    violations: list[str] = field(factory=list)
    wide: list[str] = field(factory=list)
    complaints: list[str] = field(factory=list)
    taken: set[str] = field(factory=set)


@pytest.fixture(scope="module")
def tour(seeded: str, chromium: Browser, pictures: Path) -> Tour:
    """One pass over PAGES in all LOOKS."""
    told = Tour()
    axe = AXE.read_text()
    with seeded_site(seeded) as site:
        for look, name, page in visits(chromium, site.address, tell=told.complaints.append):
            if (look == "light" and name not in LARGE) or (look == "dark" and name in KEY):
                told.violations += [
                    f"{name} ({look}): {line}" for line in violations(page, axe, look)
                ]
            if look == "phone":
                width = page.evaluate("document.documentElement.scrollWidth")
                told.wide += [f"{name}: {width} px"] if width > 390 else []
            picture(page, pictures, name, look)
            told.taken.add(f"{name}.{look}")
    return told


def violations(page: Page, axe: str, look: str) -> list[str]:
    """What axe-core finds on a page."""
    page.evaluate(axe)
    found: list[dict[str, Any]] = page.evaluate(RUN, COLOURS if look == "dark" else {})
    return [f"{v['id']}: {v['help']}\n    " + "\n    ".join(v["nodes"]) for v in found]


def test_it_takes_a_picture_of_every_page_in_every_look(tour: Tour, pictures: Path) -> None:
    expected = {f"{name}.{look}" for name in PAGES for look in LOOKS if look != "korean"}
    assert tour.taken == expected | {f"{name}.korean" for name in KEY}
    assert all((pictures / f"{shot}.png").stat().st_size > 0 for shot in tour.taken)


def test_it_violates_no_rule_of_axe(tour: Tour) -> None:
    assert not tour.violations, "\n".join(tour.violations)


def test_it_scrolls_no_page_sideways_on_a_phone(tour: Tour) -> None:
    assert not tour.wide


def test_it_gives_the_browser_nothing_to_complain_of(tour: Tour) -> None:
    assert not tour.complaints
