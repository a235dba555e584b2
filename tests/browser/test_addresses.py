"""The map of addresses and the check of a request in a real browser."""

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
    """One site for all: nothing here changes a host."""
    with seeded_site(seeded) as site:
        yield site


def test_it_leads_from_a_free_range_to_a_checked_request(
    site: Site, page: Page, words: Words
) -> None:
    log_in(page, site.address, "alice")
    page.get_by_role("link", name=words("Addresses")).click()
    expect(page.locator("#conflicts-title")).to_have_text(words("%(n)s conflict", n=1))
    page.locator("a.map-cell[href='/map/?in=10.8.0.0/16']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(
        words("Addresses in %(network)s", network="10.8.0.0/16")
    )
    page.go_back()
    page.get_by_role("button", name="/24").click()
    found = page.locator("#free-found").inner_text()
    page.get_by_role("link", name=words("Request a change with it")).click()
    expect(page.locator("#id_subnet")).to_have_value(found)
    page.locator("#id_host").press_sequentially("edge-icn-1")
    expect(page.locator("#request-check")).to_contain_text(
        words("Nothing speaks against it so far")
    )
    expect(page.locator("#id_host")).to_be_focused()
    page.fill("#id_reason", "More room")
    inside = "{0} is an address inside a network, not a network; the network is {1}."
    inside = words(inside, "192.168.9.7/24", "192.168.9.0/24")
    page.fill("#id_subnet", "192.168.9.7/24")
    expect(page.locator("#request-check")).to_contain_text(inside)
    page.locator("#check-use").click()
    expect(page.locator("#id_subnet")).to_have_value("192.168.9.0/24")
    expect(page.locator("#request-check")).to_contain_text(
        words("%(n)d containers on docker0 get new addresses.", n=9)
    )
    expect(page.locator("#id_reason")).to_have_value("More room")


def test_an_admin_edits_a_range(site: Site, page: Page, words: Words) -> None:
    log_in(page, site.address, "admin")
    page.goto(site.address + "/map/")
    page.get_by_role("link", name=words("Edit %(range)s", range="10.20.0.0/14")).click()
    page.fill("#id_label", "Offices in Korea")
    page.keyboard.press("Enter")
    expect(page.locator("#reserved")).to_contain_text("Offices in Korea")
