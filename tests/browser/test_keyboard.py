"""From log-in to an approved change by keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import seeded_site
from tests.browser.words import BOTH, Words

pytestmark = [pytest.mark.browser, BOTH]


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"Tab never came to {selector}")


def test_it_is_reached_from_log_in_to_approval_by_keyboard(
    seeded: str, page: Page, words: Words
) -> None:
    with seeded_site(seeded) as site:
        page.goto(f"{site.address}/login/?next=/work/")
        page.locator("#id_username").focus()
        page.keyboard.type("bob")
        tab_to(page, "#id_password")
        page.keyboard.type("bob")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site.address}/work/")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Enter")
        tab_to(page, "main a[href='/changes/6/']")
        page.keyboard.press("Enter")
        page.wait_for_url("**/changes/6/")
        tab_to(page, "#approve")
        page.keyboard.press("Enter")
        expect(page.locator("#state-line")).to_contain_text(words("Approved"))
