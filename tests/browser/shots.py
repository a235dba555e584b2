"""Takes a picture of every page, in light, dark and at phone width.

    python -m tests.browser.shots [FOLDER]     (default: var/screenshots)

A server of its own on a database of its own; both are gone afterwards.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.browser.chromium import launch, log_in
from tests.browser.site import seeded_site

ROOT = Path(__file__).resolve().parent.parent.parent
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 860}},
    "phone": {
        "color_scheme": "light",
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
    },
}
PAGES: dict[str, tuple[str, str]] = {
    "login": ("", "/login/"),
    "hosts": ("alice", "/"),
    "hosts-none": ("alice", "/?q=nothing-like-this"),
    "host": ("alice", "/hosts/web-1/"),
    "host-disagrees": ("alice", "/hosts/db-1/"),
    "host-pending": ("admin", "/hosts/web-3/"),
    "host-history": ("alice", "/hosts/web-1/history/"),
    "host-revoke": ("admin", "/hosts/web-1/revoke/"),
    "host-add": ("admin", "/add-host/"),
    "map": ("admin", "/map/"),
    "map-inside": ("alice", "/map/?in=172.16.0.0/12&size=24"),
    "map-small": ("alice", "/map/?in=198.51.100.0/24&containers=40"),
    "map-hosts": ("alice", "/map/hosts/?subnet=172.17.0.0/16&use=docker0"),
    "map-edit": ("admin", "/ranges/1/"),
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
    "policy-groups": ("admin", "/groups/"),
    "policy-group": ("admin", "/groups/1/"),
    "missing": ("alice", "/hosts/nobody/"),
    "forbidden": ("carol", "/add-host/"),
}


def main(folder: Path) -> None:
    """Take all pictures and say which pages had a script error."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[2:]
    with seeded_site() as site, sync_playwright() as playwright:
        browser = launch(playwright)
        for look, options in LOOKS.items():
            for name, page in _pages(browser, site.address, options):
                if wanted and not any(word in name for word in wanted):
                    continue
                page.goto(site.address + PAGES[name][1], wait_until="load")
                page.wait_for_timeout(250)
                page.screenshot(path=folder / f"{name}.{look}.png", full_page=True)
        browser.close()
    print(f"pictures are in {folder}")


def _pages(browser: Browser, address: str, options: dict[str, Any]) -> Iterator[tuple[str, Page]]:
    """Yield each page's name with a tab of the person who looks at it."""
    tabs: dict[str, Page] = {}
    for name, (person, _) in PAGES.items():
        if person not in tabs:
            tabs[person] = browser.new_context(**options).new_page()
            tabs[person].on("console", _tell)
            tabs[person].on("pageerror", lambda error: print(f"  script error: {error}"))
            if person:
                log_in(tabs[person], address, person)
        yield name, tabs[person]


def _tell(message: ConsoleMessage) -> None:
    if message.type == "error":
        print(f"  {message.text}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "var" / "screenshots")
