"""A headless Chromium for the browser tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import PATIENCE_MS
from tests.browser.site import seed
from tests.browser.words import LOCALES, Words

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with the database and the static files of a small fleet, to be copied."""
    home = str(tmp_path_factory.mktemp("seeded"))
    seed(home)
    return home


@pytest.fixture(scope="module")
def language(request: pytest.FixtureRequest) -> str:
    """The language that the browser asks for: English, unless the test is marked with BOTH."""
    return str(getattr(request, "param", "en"))


@pytest.fixture
def words(language: str) -> Words:
    """The words of the pages in that language."""
    return Words(language)


@pytest.fixture
def context(chromium: Browser, language: str) -> Iterator[BrowserContext]:
    """A person's browser: no cookies of another test."""
    look = {"width": 1280, "height": 900}
    context = chromium.new_context(viewport=look, locale=LOCALES[language])
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """One tab, whose script errors and refusals by the content security policy fail the test."""
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    return page
