"""The list of all hosts in a real browser: filters in the address, sorting by keyboard, news."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import log_in
from tests.browser.site import seeded_site
from tests.browser.words import BOTH, Words

pytestmark = [pytest.mark.browser, BOTH]


def test_it_is_found_sorted_and_live(seeded: str, page: Page, words: Words) -> None:
    with seeded_site(seeded) as site:
        log_in(page, site.address, "carol")
        page.goto(site.address)
        page.select_option("#tag", "shop")
        expect(page).to_have_url(re.compile(r"[?&]tag=shop"))
        expect(page.locator("tbody tr")).to_have_count(3)
        page.locator("#sort-containers").focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("sort=-containers"))
        expect(page.locator("th[aria-sort=descending]")).to_contain_text(words("Containers"))
        expect(page.locator("tbody tr").first).to_contain_text("edge-icn-1")
        page.evaluate("window.sameDocument = true")
        page.locator("#sort-docker0").focus()
        site.tell('Host.objects.filter(name="web-1").update(container_count=77)\n')
        expect(page.locator("tbody tr").first).to_contain_text("77")
        expect(page.locator("#sort-docker0")).to_be_focused()
        assert page.evaluate("window.sameDocument")
        page.locator("tbody a.chip-tag", has_text="gpu").first.click()
        expect(page.locator("tbody tr")).to_have_count(1)
        page.set_viewport_size({"width": 390, "height": 800})
        expect(page.locator("#tag")).to_be_visible()
        page.goto(site.address)
        expect(page.locator("#tag")).to_be_hidden()
        page.click(f"label:text-is('{words('More filters')}')")
        page.select_option("#tag", "shop")
        expect(page.locator("tbody tr")).to_have_count(3)
