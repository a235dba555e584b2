"""The page of a job is its record: what one sees does not depend on how one came to see it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import log_in
from tests.browser.site import Site, seeded_site
from tests.browser.test_pages_live import RESUME, RUNNING, STOPPED
from tests.browser.words import BOTH, LOCALES, Words

pytestmark = [pytest.mark.browser, BOTH]
NEXT = 'story.tell("step_done", "x", step={0})\nstory.tell("step_started", "x", step={1})\n'
_STEADY = re.compile(
    r"\d+ (second|minute)s? ago|just now|(\d+ min )?\d+(\.\d)? s\b"
    r"|\d+(초|분) 전|방금|(\d+ 분 )?\d+(\.\d)? 초"
)


@pytest.fixture(scope="module")
def site(seeded: str, language: str) -> Iterator[Site]:
    """One site in each language; each test takes the job further."""
    with seeded_site(seeded) as site:
        site.tell(RESUME + STOPPED)
        yield site


@pytest.fixture
def page(page: Page, site: Site) -> Page:
    """The running job, as carol sees it live."""
    log_in(page, site.address, "carol")
    page.goto(site.address + RUNNING)
    page.evaluate("window.sameDocument = true")
    return page


def seen(page: Page) -> list[str]:
    """What stands on the page, without the times that run."""
    return _STEADY.sub("", page.locator("#change").inner_text()).split()


def as_loaded(page: Page) -> list[str]:
    """What a second tab shows that is opened now."""
    second = page.context.new_page()
    second.goto(page.url)
    text = seen(second)
    second.close()
    return text


def test_it_keeps_what_the_reader_opened(site: Site, page: Page) -> None:
    fold = page.locator("#output-4-fold")
    expect(fold).to_have_attribute("open", "")
    page.locator("#all-events-summary").click()
    site.tell(RESUME + NEXT.format(4, 5) + 'story.tell("output", "one", step=5)\n')
    expect(page.locator("#step-5")).to_have_attribute("aria-current", "step")
    # The page had opened the fold, so the page closes it; the reader opens it again.
    expect(fold).not_to_have_attribute("open", "")
    page.locator("#output-4-summary").focus()
    page.keyboard.press("Enter")
    expect(fold).to_have_attribute("open", "")
    site.tell(RESUME + 'story.tell("output", "two", step=5)\nstory.tell("output", "x", step=4)\n')
    expect(page.locator("#output-4-text")).to_contain_text("x")
    expect(page.locator("#output-5-text")).to_have_text("one\ntwo")
    expect(fold).to_have_attribute("open", "")
    expect(page.locator("#output-4-summary")).to_be_focused()
    expect(page.locator("#event-rows tr").last).to_contain_text("output")
    assert seen(page) != as_loaded(page)  # The second tab has its folds as the page has them.
    live = seen(page)
    page.reload()
    assert seen(page) == live
    expect(fold).to_have_attribute("open", "")


def test_it_shows_the_same_after_a_lost_connection(site: Site, page: Page) -> None:
    before = page.locator("#event-rows tr").count()
    site.stop()
    expect(page.locator("#lost")).to_be_visible()
    site.tell(RESUME + NEXT.format(5, 6) + 'story.tell("output", "three", step=6)\n')
    site.start()
    expect(page.locator("#output-6-text")).to_have_text("three")
    expect(page.locator("#event-rows tr")).to_have_count(before + 3)
    assert page.evaluate("window.sameDocument") is True
    assert seen(page) == as_loaded(page)


def test_it_is_the_record_for_ever_after(
    site: Site, page: Page, chromium: Browser, words: Words
) -> None:
    site.tell(RESUME + NEXT.format(6, 7) + 'story.tell("output", "four", step=7)\n')
    expect(page.locator("#output-7-text")).to_have_text("four")
    assert seen(page) == as_loaded(page)
    site.tell(RESUME + 'story.ended(State.SUCCEEDED, "Every step is done and proved.", 2.3)\n')
    span = {"en": "2.3 s", "ko": "2.3 초"}[words.language]
    away = words("Services were away for %(span)s.", span=span).rstrip(".")
    expect(page.locator("#change")).to_contain_text(away)
    assert page.evaluate("window.sameDocument") is True
    live = seen(page)
    site.stop()
    site.start()
    other = chromium.new_context(locale=LOCALES[words.language]).new_page()
    log_in(other, site.address, "carol")
    other.goto(site.address + RUNNING)
    assert seen(other) == live
    other.context.close()


def test_it_prints_a_record(site: Site, page: Page) -> None:
    page.goto(site.address + "/changes/1/")
    text = page.locator(".job-step pre.output").first
    expect(text).to_be_hidden()
    page.emulate_media(media="print", color_scheme="dark")
    expect(text).to_be_visible()
    expect(page.locator("#event-rows tr").last).to_be_visible()
    for gone in (".top", "button >> nth=0", ".page-foot", "#repeat"):
        expect(page.locator(gone)).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
