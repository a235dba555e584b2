"""The pages in English and in Korean: as the browser asks, and as the reader chooses."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import log_in
from tests.browser.site import Site, seeded_site

pytestmark = pytest.mark.browser
# Each point of the dashboard, and words that its page has in English and in Korean.
PAGES = {
    "/": ("Hosts", "호스트"),
    "/hosts/web-1/": ("What changed on the host", "호스트에서"),
    "/hosts/web-1/history/": ("What changed on web-1", "web-1에서 바뀐 것"),
    "/map/": ("Addresses", "주소"),
    "/changes/new/?host=web-1": ("Ask for a plan", "계획 요청"),
    "/changes/6/": ("Steps", "단계"),
    "/changes/1/": ("Succeeded", "성공"),
    "/work/": ("My work", "내 작업"),
    "/changes/": ("History", "이력"),
    "/account/notifications/": ("Tell me when", "알림"),
    "/help/terms/": ("Terms", "용어"),
    "/policies/": ("Policies", "정책"),
}


@pytest.fixture(scope="module")
def site(seeded: str) -> Iterator[Site]:
    """One site for the module."""
    with seeded_site(seeded) as site:
        yield site


@pytest.mark.parametrize(("locale", "number"), [("en-GB", 0), ("ko-KR", 1)])
def test_every_part_speaks_the_language_of_the_browser(
    site: Site, chromium: Browser, locale: str, number: int
) -> None:
    with chromium.new_context(locale=locale) as context:
        page = context.new_page()
        log_in(page, site.address, "alice")
        for path, words in PAGES.items():
            page.goto(site.address + path)
            assert page.locator("html").get_attribute("lang") == locale[:2]
            expect(page.locator("main")).to_contain_text(words[number])


def test_it_counts_and_tells_times_in_korean(site: Site, chromium: Browser) -> None:
    with chromium.new_context(locale="ko-KR") as context:
        page = context.new_page()
        log_in(page, site.address, "alice")
        page.goto(f"{site.address}/changes/1/")
        # The server's word, and what the script makes of it a second later.
        ago = page.locator("time[data-ago]").first
        expect(ago).to_have_text(re.compile(r"^\d+시간 전$"))
        page.wait_for_timeout(1200)
        expect(ago).to_have_text(re.compile(r"^\d+시간 전$"))
        page.goto(f"{site.address}/hosts/switch-5/")
        expect(page.locator("main")).to_contain_text("포트 5개")


def test_a_choice_holds_and_is_taken_back_by_keyboard(site: Site, page: Page) -> None:
    log_in(page, site.address, "carol")
    page.goto(f"{site.address}/changes/1/")
    korean = page.locator(".language button[value=ko]")
    korean.focus()
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    assert page.url == f"{site.address}/changes/1/"
    page.goto(f"{site.address}/map/")
    expect(page.locator("h1")).to_have_text("주소")
    page.locator(".language button[value=en]").click()
    expect(page.locator("h1")).to_have_text("Addresses")
