"""A word explains itself where it stands: by keyboard, at phone width, without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import log_in
from tests.browser.site import Site, seeded_site
from tests.browser.words import BOTH, LOCALES

pytestmark = [pytest.mark.browser, BOTH]
HOST = "/hosts/web-1/"


@pytest.fixture(scope="module")
def site(seeded: str) -> Iterator[Site]:
    """One site; nothing here changes it."""
    with seeded_site(seeded) as site:
        yield site


def opened(page: Page, site: Site) -> Page:
    """The page of a host, as carol sees it."""
    log_in(page, site.address, "carol")
    page.goto(site.address + HOST)
    return page


def test_it_opens_and_closes_by_keyboard_and_focus_stays(site: Site, page: Page) -> None:
    word, text = (
        opened(page, site).locator("#term-live-restore"),
        page.locator("#term-live-restore-text"),
    )
    expect(text).to_be_hidden()
    word.focus()
    page.keyboard.press("Enter")
    expect(text).to_be_visible()
    expect(text).to_be_in_viewport(ratio=1)
    page.keyboard.press("Escape")
    expect(text).to_be_hidden()
    expect(word).to_be_focused()


def test_it_needs_no_script_and_fits_a_phone(site: Site, chromium: Browser, language: str) -> None:
    phone, locale = {"width": 390, "height": 700}, LOCALES[language]
    context = chromium.new_context(viewport=phone, java_script_enabled=False, locale=locale)
    page = opened(context.new_page(), site)
    page.locator("#term-link").click()
    text = page.locator("#term-link-text")
    expect(text).to_be_in_viewport(ratio=1)
    text.get_by_role("link").click()
    expect(page).to_have_url(f"{site.address}/help/terms/#link")
    context.close()
