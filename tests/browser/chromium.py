"""How the tests start Debian's Chromium."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page, Playwright

CHROMIUM = "/usr/bin/chromium"
# A limit for what never comes, not a measure: many tests may run beside these.
PATIENCE_MS = 60_000
_START = Path(__file__).with_suffix(".sh")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def launch(playwright: Playwright) -> Browser:
    """Return a headless Chromium that talks to nobody but the pages it is sent to."""
    return playwright.chromium.launch(executable_path=_START, headless=True, args=list(FLAGS))


def log_in(page: Page, address: str, person: str) -> None:
    """Log in through the form; the seeded password is the name."""
    page.goto(f"{address}/login/")
    page.fill("#id_username", person)
    page.fill("#id_password", person)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/login/" not in url)
