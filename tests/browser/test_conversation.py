"""The conversation of a change in two browsers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import log_in
from tests.browser.site import Site, seeded_site
from tests.browser.test_pages_live import REVIEW
from tests.browser.words import BOTH, LOCALES, Words

pytestmark = [pytest.mark.browser, BOTH]


@pytest.fixture(scope="module")
def site(seeded: str, language: str) -> Iterator[Site]:
    """One site for the module, in each language."""
    with seeded_site(seeded) as site:
        yield site


def test_a_comment_appears_in_other_pages_and_takes_no_words_away(
    site: Site, page: Page, chromium: Browser, words: Words
) -> None:
    log_in(page, site.address, "bob")
    page.goto(site.address + REVIEW)
    page.fill("#say", "Half a sent")
    page.fill("#comment", "Not ye")
    page.focus("#say")
    context = chromium.new_context(locale=LOCALES[words.language])
    other = context.new_page()
    log_in(other, site.address, "carol")
    other.goto(site.address + REVIEW)
    other.fill("#say", "Does the backup run at that time?")
    other.focus("#say")
    other.keyboard.press("Tab")
    other.keyboard.press("Enter")
    expect(other.locator("#timeline")).to_contain_text("Does the backup run at that time?")
    expect(other.locator("#say")).to_have_value("")
    expect(page.locator("#timeline")).to_contain_text(
        words("<strong>%(person)s</strong> said", person="carol")
    )
    expect(page.locator("#say")).to_have_value("Half a sent")
    expect(page.locator("#comment")).to_have_value("Not ye")
    expect(page.locator("#say")).to_be_focused()
    expect(page.locator("#state-line")).to_contain_text(words("Awaiting approval"))
    context.close()


def test_it_works_without_javascript(site: Site, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, site.address, "carol")
    page.goto(site.address + REVIEW)
    page.fill("#say", "Read without a script.")
    page.click("#say-it")
    expect(page.locator("#timeline")).to_contain_text("Read without a script.")
    context.close()
