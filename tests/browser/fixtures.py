"""Fixtures of every test that opens a browser; one browser serves them all (tests/conftest.py)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import CHROMIUM, launch


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; skipped with a reason where there is none."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium")
    # Playwright's own loop runs in this thread; Django would refuse to use the database beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pictures() -> Path:
    """The folder for screenshots: var/screenshots, or what DOCKERNET_SCREENSHOTS names."""
    root = Path(__file__).resolve().parent.parent.parent
    folder = Path(os.environ.get("DOCKERNET_SCREENSHOTS", root / "var" / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
