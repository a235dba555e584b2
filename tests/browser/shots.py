"""Takes a picture of every page: in light, in dark, at phone width, in Korean.

    python -m tests.browser.shots [FOLDER [WORD...]]     (default: var/screenshots)

A server of its own on a database of its own; both are gone afterwards.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from attrs import frozen
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.browser.chromium import launch, log_in
from tests.browser.site import seeded_site

ROOT = Path(__file__).resolve().parent.parent.parent


@frozen
class Look:
    """How a page is looked at: `width` in CSS pixels."""

    locale: str
    colours: Literal["light", "dark"]
    width: int


LOOKS = {
    "light": Look("en-GB", "light", 1280),
    "dark": Look("en-GB", "dark", 1280),
    "phone": Look("en-GB", "light", 390),
    "korean": Look("ko-KR", "light", 1280),
}
# A port that leads to an address that no container has.
NOWHERE = "subnet=192.168.225.0/24&mode=masquerade&publish=tcp+8443+192.168.225.99:443"
PAGES: dict[str, tuple[str, str]] = {
    "login": ("", "/login/"),
    "hosts": ("alice", "/"),
    "hosts-none": ("alice", "/?q=nothing-like-this"),
    "hosts-narrowed": ("alice", "/?tag=shop&sort=-containers"),
    "hosts-conflicts": ("alice", "/?conflicts=yes"),
    "host-tags": ("admin", "/hosts/web-1/tags/"),
    "host": ("alice", "/hosts/web-1/"),
    "host-disagrees": ("alice", "/hosts/db-1/"),
    "host-switch-0": ("alice", "/hosts/edge-icn-2/"),
    "host-switch-5": ("alice", "/hosts/switch-5/"),
    "host-changed-outside": ("alice", "/hosts/switch-5/history/"),
    "host-switch-200": ("alice", "/hosts/switch-200/"),
    "host-pending": ("admin", "/hosts/web-3/"),
    "host-history": ("alice", "/hosts/web-1/history/"),
    "host-revoke": ("admin", "/hosts/web-1/revoke/"),
    "host-add": ("admin", "/add-host/"),
    "map": ("admin", "/map/"),
    "map-inside": ("alice", "/map/?in=172.16.0.0/12&size=24"),
    "map-small": ("alice", "/map/?in=198.51.100.0/24&containers=40"),
    "map-hosts": ("alice", "/map/hosts/?subnet=172.17.0.0/16&use=docker0"),
    "map-edit": ("admin", "/ranges/1/"),
    "map-remove": ("admin", "/ranges/1/remove/"),
    "tokens": ("alice", "/tokens/"),
    "tokens-all": ("admin", "/tokens/all/"),
    "audit": ("admin", "/audit/"),
    "log-in": ("alice", "/account/"),
    "log-in-again": ("alice", "/account/app/"),
    "password": ("alice", "/account/password/"),
    "work-approver": ("bob", "/work/"),
    "work-requester": ("alice", "/work/"),
    "terms": ("carol", "/help/terms/"),
    "notifications": ("bob", "/account/notifications/?environment=production"),
    "notifications-none": ("alice", "/account/notifications/"),
    "changes-admin": ("admin", "/changes/?q=web&sort=-host"),
    "changes-wrong": ("alice", "/changes/?since=2026-03-02&until=2026-03-01"),
    "changes": ("alice", "/changes/"),
    "request": ("alice", "/changes/new/?host=web-1"),
    "request-good": ("alice", "/changes/new/?host=edge-icn-1&subnet=192.168.9.0/24"),
    "request-refused": ("alice", "/changes/new/?host=edge-icn-1&subnet=10.8.3.0/24"),
    "request-odd": ("alice", "/changes/new/?host=edge-icn-1&subnet=192.168.9.7/24"),
    "request-nat": ("alice", "/changes/new/?kind=nat&host=nat-1&subnet=172.17.0.0/16"),
    "request-nowhere": ("alice", f"/changes/new/?kind=nat&host=web-2&{NOWHERE}"),
    "host-nat": ("alice", "/hosts/nat-2/"),
    "host-nat-missing": ("alice", "/hosts/nat-1/"),
    "nat-review": ("bob", "/changes/10/"),
    "nat-succeeded": ("bob", "/changes/9/"),
    "change-succeeded": ("alice", "/changes/1/"),
    "change-rolled-back": ("alice", "/changes/2/"),
    "change-blocked": ("alice", "/changes/3/"),
    "change-rejected": ("alice", "/changes/4/"),
    "change-stale": ("alice", "/changes/5/"),
    "change-review": ("bob", "/changes/6/"),
    "change-own": ("alice", "/changes/6/"),
    "change-running": ("carol", "/changes/7/"),
    "change-planning": ("alice", "/changes/8/"),
    "change-confirm": ("alice", "/changes/11/"),
    "change-failed": ("alice", "/changes/12/"),
    "change-cancelled": ("alice", "/changes/13/"),
    "change-since": ("bob", "/changes/20/"),
    "policy-half": ("bob", "/changes/14/"),
    "policy-half-admin": ("admin", "/changes/14/"),
    "policy-glass": ("carol", "/changes/15/"),
    "policy-frozen": ("admin", "/changes/16/"),
    "policy-frozen-host": ("alice", "/hosts/shop-1/"),
    "policy-break-glass": ("admin", "/changes/14/break-glass/"),
    "policy-list": ("admin", "/policies/"),
    "policy-edit": ("admin", "/policies/1/"),
    "policy-read": ("carol", "/policies/1/"),
    "policy-freezes": ("admin", "/freezes/"),
    "policy-remove": ("admin", "/policies/1/remove/"),
    "policy-groups": ("admin", "/groups/"),
    "policy-group": ("admin", "/groups/1/"),
    "missing": ("alice", "/hosts/nobody/"),
    "forbidden": ("carol", "/add-host/"),
}

# One page of each kind: they are shown in Korean too, and have every colour of the dark theme.
KEY = (
    *("login", "hosts", "host", "host-disagrees", "host-switch-5", "host-history", "map"),
    *("map-inside", "request", "request-nat", "change-review", "change-running", "change-confirm"),
    *("change-failed", "change-succeeded", "nat-review", "work-approver", "changes"),
    *("notifications", "audit", "tokens", "policy-list", "policy-freezes", "terms"),
)


def main(folder: Path) -> None:
    """Take the pictures whose names hold a given word (without words: all); say what is wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    words = sys.argv[2:]
    wanted = [name for name in PAGES if not words or any(word in name for word in words)]
    with seeded_site() as site, sync_playwright() as playwright:
        browser = launch(playwright)
        for look, name, page in visits(browser, site.address, wanted):
            page.wait_for_timeout(150)
            picture(page, folder, name, look)
        browser.close()
    print(f"pictures are in {folder}")


def visits(
    browser: Browser,
    address: str,
    names: Iterable[str] = PAGES,
    tell: Callable[[str], None] = print,
) -> Iterator[tuple[str, str, Page]]:
    """Yield each page's name in each look, and the tab that shows it to its person; `tell` gets
    what the browser complains of.

    A page is loaded once in each language; colours and width then change under it, as they do when
    a reader's system turns dark or a window is made narrow.
    """
    states: dict[str, Any] = {"": None}
    for locale in ("en-GB", "ko-KR"):
        tabs: dict[str, Page] = {}
        for name in names:
            if locale == "ko-KR" and name not in KEY:
                continue
            person, path = PAGES[name]
            if person not in states:
                # One log-in of a person serves both languages: these are throttled.
                states[person] = _logged_in(browser, address, person)
            if person not in tabs:
                context = browser.new_context(storage_state=states[person], locale=locale)
                tabs[person] = _tab(context, tell)
            page = tabs[person]
            page.goto(address + path, wait_until="load")
            page.evaluate("document.fonts.ready.then(() => true)")
            for look, told in LOOKS.items():
                if told.locale == locale:
                    # Still: a colour on its way to another is neither.
                    page.emulate_media(color_scheme=told.colours, reduced_motion="reduce")
                    page.set_viewport_size({"width": told.width, "height": 860})
                    yield look, name, page
        for tab in tabs.values():
            tab.context.close()


def picture(page: Page, folder: Path, name: str, look: str) -> None:
    """Keep the whole of a page as NAME.LOOK.png."""
    page.screenshot(path=folder / f"{name}.{look}.png", full_page=True)


def _logged_in(browser: Browser, address: str, person: str) -> Any:
    with browser.new_context() as context:
        log_in(context.new_page(), address, person)
        return context.storage_state()


def _tab(context: BrowserContext, tell: Callable[[str], None]) -> Page:
    page = context.new_page()

    def said(message: ConsoleMessage) -> None:
        # Pages that are missing or forbidden are among those shown.
        if message.type == "error" and "status of 40" not in message.text:
            tell(f"{page.url}: {message.text}")

    page.on("console", said)
    page.on("pageerror", lambda error: tell(f"{page.url}: script error: {error}"))
    return page


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "var" / "screenshots")
