"""The page of a host: the bridge as a switch, the same as a table, what changed outside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import log_in
from tests.browser.site import Site, seeded_site
from tests.browser.words import BOTH, Words

pytestmark = [pytest.mark.browser, BOTH]


@pytest.fixture(scope="module")
def site(seeded: str) -> Iterator[Site]:
    """One site for the module."""
    with seeded_site(seeded) as site:
        yield site


@pytest.mark.parametrize(
    ("host", "ports"), [("edge-icn-2", 0), ("switch-5", 5), ("switch-200", 200)]
)
def test_it_draws_a_port_for_each_container_and_says_the_same_in_a_table(
    site: Site, page: Page, words: Words, host: str, ports: int
) -> None:
    log_in(page, site.address, "carol")
    page.goto(f"{site.address}/hosts/{host}/")
    switch = page.locator("svg.switch").first
    expect(switch).to_have_attribute("role", "img")
    card = page.locator("section", has=page.locator("#bridge-0"))
    drawn = card.locator(".switch-wide .sw-port, .switch-rest .sw-port")
    expect(drawn).to_have_count(ports)
    assert switch.locator(".sw-port").count() == min(ports, 28)
    page.locator("#switch-table-0").focus()
    page.keyboard.press("Enter")
    rows = card.locator(".switch-more tbody tr")
    expect(rows).to_have_count(ports)
    if ports:
        name = rows.last.locator("th").inner_text()
        told = card.locator("svg.switch").all_text_contents()
        assert any(name in text or name[:8] in text for text in told)
        # What is folded away opens with the keyboard too.
    if ports > 28:
        page.locator("#switch-rest-0").focus()
        page.keyboard.press("Enter")
        expect(drawn.last).to_be_visible()


def test_no_text_of_a_crowded_switch_overlaps_another(site: Site, page: Page) -> None:
    log_in(page, site.address, "carol")
    page.goto(f"{site.address}/hosts/switch-200/")
    overlaps = page.evaluate(
        """() => {
          document.querySelector(".switch-rest").open = true;
          const boxes = [...document.querySelectorAll(".switch-wide text, .switch-rest text")]
            .map(text => text.getBoundingClientRect()).filter(box => box.width);
          let count = 0;
          for (let i = 0; i < boxes.length; i++)
            for (let j = i + 1; j < boxes.length; j++) {
              const a = boxes[i], b = boxes[j];
              if (a.left < b.right - 1 && b.left < a.right - 1
                  && a.top < b.bottom - 3 && b.top < a.bottom - 3) count++;
            }
          return count;
        }"""
    )
    assert overlaps == 0


def test_it_says_what_changed_outside_of_dockernet(site: Site, page: Page) -> None:
    log_in(page, site.address, "carol")
    page.goto(f"{site.address}/hosts/switch-5/history/")
    entries = page.locator(".log-what")
    everything = entries.count()
    assert everything > 1
    page.locator("#only-outside").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**only=outside")
    expect(entries).to_have_count(1)
    expect(entries).to_contain_text("172.17.0.1/16 → 10.1.0.1/24")
