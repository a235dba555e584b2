"""What a host or a person sends is shown as it is and run by nobody, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.chromium import log_in
from tests.browser.site import Site, site_with

pytestmark = pytest.mark.browser
PAGES = (
    "/",
    "/?q=%22%3E%3Cimg%20src%3Dx%20onerror%3Dwindow.ran%3D1%3E",
    "/hosts/evil-1/",
    "/hosts/evil-1/history/",
    "/changes/",
    "/changes/?host=%22%3E%3Cscript%3Ewindow.ran%3D1%3C/script%3E",
    "/changes/1/",
    "/changes/2/",
    "/changes/3/",
    "/changes/new/?kind=subnet&host=evil-1&from=1",
    "/changes/new/?kind=nat&host=evil-1&subnet=172.17.0.0/16",
    "/map/",
    "/policies/",
    "/freezes/",
    "/groups/",
    "/tokens/",
    "/audit/?q=%3Cscript%3Ewindow.ran%3D1%3C/script%3E",
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose every text is hostile."""
    with site_with("tests.browser.seed_hostile", str(tmp_path_factory.mktemp("hostile"))) as site:
        yield site


def test_no_page_runs_what_it_was_told(hostile: Site, page: Page) -> None:
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("dialog", lambda dialog: errors.append(dialog.message))
    log_in(page, hostile.address, "admin")
    shown = set()
    for path in PAGES:
        page.goto(hostile.address + path, wait_until="load")
        for details in page.locator("details:not([data-menu])").all():
            details.evaluate("element => { element.open = true }")
        page.wait_for_timeout(100)
        assert page.evaluate("window.ran") is None, path
        assert page.locator("img[src=x]").count() == 0, path
        assert page.locator("main script:not([src])").count() == 0, path
        assert "49</title>" not in page.content(), path
        if "onerror=" in page.locator("body").inner_text():
            shown.add(path)
    # The test would prove nothing if the pages did not show it.
    assert {"/hosts/evil-1/", "/changes/1/", "/changes/2/", "/changes/3/", "/map/"} <= shown
    assert not [text for text in errors if "Content Security Policy" in text], errors
