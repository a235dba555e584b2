"""What a lost connection or a proxy's error does to a live page: nothing that one sees."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import log_in
from tests.browser.site import Site, seeded_site
from tests.browser.test_pages_live import RESUME, RUNNING

pytestmark = pytest.mark.browser
OUTPUT = 'story.tell("output", "{}", step=4)\n'


class BadGateway(BaseHTTPRequestHandler):
    """A proxy whose site is away."""

    def do_GET(self) -> None:
        """Answer 502 and count it."""
        self.server.asked += 1  # type: ignore[attr-defined]
        self.send_response(502)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def bad_gateway(port: int) -> Iterator[ThreadingHTTPServer]:
    """Answer every request on the site's port with 502."""
    server = ThreadingHTTPServer(("127.0.0.1", port), BadGateway)
    server.asked = 0  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def site(seeded: str) -> Iterator[Site]:
    """A site of its own for each test: they stop it."""
    with seeded_site(seeded) as site:
        yield site


@pytest.fixture
def page(page: Page, site: Site) -> Page:
    """The running job, as carol sees it live."""
    log_in(page, site.address, "carol")
    page.goto(site.address + RUNNING)
    expect(page.locator("#step-4")).to_have_attribute("aria-current", "step")
    return page


def test_no_event_stands_twice_after_a_proxys_error(site: Site, page: Page) -> None:
    site.tell(RESUME + OUTPUT.format("one") + OUTPUT.format("two"))
    expect(page.locator("#output-4 pre")).to_contain_text("two")
    rows = page.locator("#event-rows tr")
    before = rows.count()
    site.stop()
    with bad_gateway(site.port) as proxy:
        expect(page.locator("#lost")).to_be_visible()
        for _ in range(100):
            if proxy.asked:  # type: ignore[attr-defined]
                break
            page.wait_for_timeout(100)
        assert proxy.asked  # type: ignore[attr-defined]
    site.start()
    site.tell(RESUME + OUTPUT.format("three"))
    expect(page.locator("#output-4 pre")).to_contain_text("three")
    expect(rows).to_have_count(before + 1)


def test_words_that_were_not_sent_are_kept(site: Site, page: Page) -> None:
    page.fill("#say", "A long thought of mine")
    site.stop()
    page.click("#say-it")
    expect(page.locator("#lost")).to_be_visible()
    site.start()
    site.tell(RESUME + 'story.tell("state", "It goes on.", data={"state": "running"})\n')
    expect(page.locator("#timeline")).to_contain_text("It goes on.")
    expect(page.locator("#say")).to_have_value("A long thought of mine")
    page.click("#say-it")
    expect(page.locator("#timeline")).to_contain_text("A long thought of mine")
    expect(page.locator("#say")).to_have_value("")


def test_news_that_could_not_be_fetched_is_fetched_again(site: Site, page: Page) -> None:
    failed: list[str] = []

    def fail_once(route: object) -> None:
        failed.append("x")
        route.fulfill(status=502) if len(failed) == 1 else route.continue_()  # type: ignore[attr-defined]

    page.route(site.address + RUNNING, fail_once)
    site.tell(RESUME + 'story.ended(State.SUCCEEDED, "Every step is done and proved.", 2.3)\n')
    expect(page.locator("#state-now")).to_have_text("Succeeded")
    expect(page.locator("#change")).to_contain_text("Services were away for 2.3 s")
    assert len(failed) == 2


def test_each_page_of_a_crowd_fetches_itself_in_its_turn(site: Site, page: Page) -> None:
    session = next(c["value"] for c in page.context.cookies() if c["name"] == "sessionid")
    asked = f"GET {RUNNING}live/ HTTP/1.1\r\nHost: x\r\nCookie: sessionid={session}\r\n\r\n"
    turns: list[str] = []
    page.on("request", lambda r: turns.append(r.url) if r.url == site.address + RUNNING else None)
    with ExitStack() as crowd:
        for _ in range(12):
            one = crowd.enter_context(socket.create_connection(("127.0.0.1", site.port)))
            one.sendall(asked.replace("Host: x", f"Host: 127.0.0.1:{site.port}").encode())
            read = b""
            while b": open" not in read:
                read += one.recv(65_536)
        page.evaluate(
            """() => document.addEventListener("htmx:sseMessage", (event) => {
                if (event.detail.type === "again") window.turn = Number(event.detail.data);
            })"""
        )
        site.tell(RESUME + 'story.ended(State.SUCCEEDED, "Every step is done and proved.", 2.3)\n')
        expect(page.locator("#change")).to_contain_text("Services were away for 2.3 s")
    assert 0 <= page.evaluate("() => window.turn") < 13 * 40
    assert len(turns) == 1
