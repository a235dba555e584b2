"""My work, the history and my notifications in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import log_in
from tests.browser.site import Site, seeded_site
from tests.browser.words import BOTH, Words

pytestmark = [pytest.mark.browser, BOTH]
FAILED = "Anybody's change failed, was rolled back or lost its agent"
PLAN_READY = """
from netops.states import State
Change.objects.filter(pk=10).update(state=State.WITHDRAWN)
change = Change.objects.get(pk=6)
Change.objects.filter(pk=6).update(reason="It says something else now.")
"""


@pytest.fixture(scope="module")
def site(seeded: str, language: str) -> Iterator[Site]:
    """One site in each language: the tests do not stand in each other's way."""
    with seeded_site(seeded) as site:
        yield site


def test_my_work_follows_what_happens_and_keeps_the_focus(site: Site, page: Page) -> None:
    log_in(page, site.address, "bob")
    page.goto(f"{site.address}/work/")
    expect(page.locator("#work-count .count")).to_be_visible()
    page.evaluate("window.sameDocument = true")
    link = page.locator("#approve-6-go")
    link.focus()
    expect(page.locator("#approve-10")).to_be_visible()
    site.tell(PLAN_READY)
    expect(page.locator("#approve-10")).to_have_count(0)
    expect(page.locator("#work")).to_contain_text("It says something else now.")
    expect(link).to_be_focused()
    assert page.evaluate("window.sameDocument") is True
    page.keyboard.press("Enter")
    page.wait_for_url("**/changes/6/")


def test_the_history_is_searched_and_repeated_by_keyboard(
    site: Site, page: Page, words: Words
) -> None:
    log_in(page, site.address, "alice")
    page.goto(f"{site.address}/changes/")
    page.locator("#id_q").focus()
    page.keyboard.type("autumn web-0")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=autumn+web-0**")
    row = page.locator("#change-rows tbody tr")
    expect(row.first).to_contain_text("web-0")
    page.locator("#sort-3").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**sort=host**")
    expect(page.locator("#id_q")).to_have_value("autumn web-0")
    with page.expect_download() as caught:
        page.get_by_role("link", name=words("Export CSV")).click()
    assert caught.value.suggested_filename.endswith(".csv")
    page.locator("a[id$=-repeat]").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/changes/new/**")
    expect(page.locator("#id_host")).to_have_value("")


def test_a_choice_is_made_by_keyboard(site: Site, page: Page, words: Words) -> None:
    log_in(page, site.address, "carol")
    page.goto(f"{site.address}/account/notifications/?environment=production")
    box = page.get_by_label(f"{words(FAILED)}: {words('Webhook')}")
    box.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator(".messages")).to_contain_text(words("Your choice is saved."))
    expect(box).to_be_checked()
    page.get_by_role("link", name=words("Everywhere")).click()
    expect(box).not_to_be_checked()
