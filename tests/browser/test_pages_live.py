"""The pages in a real browser: what is live, what works by keyboard and without scripts.

There is no host here: events are written into the database, as the ingest would.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import PATIENCE_MS, log_in
from tests.browser.site import Site, seeded_site

pytestmark = pytest.mark.browser

RUNNING, REVIEW = "/changes/7/", "/changes/6/"
RESUME = """
change = Change.objects.get(pk=7)
story = Story.__new__(Story)
story.change, story.job, story.now = change, change.jobs.first(), timezone.now()
"""
# What the running step has said so far.
STOPPED = 'story.tell("output", "gateway stopped\\ncache stopped", step=4)\n'


@pytest.fixture
def site(seeded: str) -> Iterator[Site]:
    """A site of its own for each test: they change it."""
    with seeded_site(seeded) as site:
        yield site


@pytest.fixture(autouse=True)
def no_refusals(page: Page) -> Iterator[list[str]]:
    """What the browser refuses (content security policy) or cannot find fails the test."""
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    yield said
    assert not [text for text in said if "Content Security Policy" in text or "404" in text]


def test_it_shows_a_job_as_it_happens(site: Site, page: Page) -> None:
    site.tell(RESUME + STOPPED)
    log_in(page, site.address, "carol")
    page.goto(site.address + RUNNING)
    expect(page.locator("#step-4")).to_have_attribute("aria-current", "step")
    page.evaluate("window.sameDocument = true")
    summary = page.locator("#output-4-summary")
    summary.focus()
    more = 'story.tell("output", "<b>orders-db</b> stopped", step=4)\n'
    site.tell(RESUME + more)
    expect(page.locator("#output-4 pre")).to_contain_text("<b>orders-db</b> stopped")
    expect(summary).to_be_focused()
    done = 'story.tell("step_done", "x", step=4)\nstory.tell("step_started", "x", step=5)\n'
    site.tell(RESUME + done)
    expect(page.locator("#step-4")).to_have_class(re.compile("job-step-done"))
    expect(page.locator("#step-5")).to_have_attribute("aria-current", "step")
    expect(page.locator("#job-progress progress")).to_have_attribute("value", "4")
    site.tell(RESUME + 'story.ended(State.SUCCEEDED, "Every step is done and proved.", 2.3)\n')
    expect(page.locator("#change")).to_contain_text("Services were away for 2.3 s")
    assert page.evaluate("window.sameDocument") is True
    live = page.locator("#change").inner_text()
    page.reload()
    steady = re.compile(r"\d+ (second|minute)s? ago|just now")
    now = steady.sub("", page.locator("#change").inner_text())
    assert now.split() == steady.sub("", live).split()


def test_it_misses_nothing_while_the_server_is_away(site: Site, page: Page) -> None:
    log_in(page, site.address, "carol")
    page.goto(site.address + RUNNING)
    expect(page.locator("#step-4")).to_have_attribute("aria-current", "step")
    page.evaluate("window.sameDocument = true")
    site.stop()
    expect(page.locator("#lost")).to_be_visible()
    told = 'story.tell("step_done", "x", step=4)\nstory.tell("step_started", "x", step=5)\n'
    site.tell(RESUME + told + 'story.tell("output", "once", step=5)\n')
    site.start()
    expect(page.locator("#output-5 pre")).to_have_text("once")
    expect(page.locator("#step-4")).to_have_class(re.compile("job-step-done"))
    expect(page.locator("#lost")).to_be_hidden()
    assert page.evaluate("window.sameDocument") is True


def test_it_lets_an_approver_approve_in_place(site: Site, page: Page) -> None:
    site.tell('Host.objects.update(secret="00" * 32)\n')
    log_in(page, site.address, "bob")
    page.goto(site.address + REVIEW)
    page.evaluate("window.sameDocument = true")
    page.click("#reject")
    expect(page.get_by_role("alert")).to_have_text("Say why you reject it.")
    page.fill("#comment", "Monday, please.")
    page.click("#reject")
    expect(page.locator("#state-line")).to_contain_text("Rejected")
    expect(page.locator("#review")).to_contain_text("Monday, please.")
    assert page.evaluate("window.sameDocument") is True


def test_it_shows_a_plan_as_soon_as_there_is_one(site: Site, page: Page) -> None:
    log_in(page, site.address, "alice")
    page.goto(site.address + "/changes/8/")
    expect(page.locator("#change")).to_contain_text("db-1 is making the plan")
    plan = "story.change = Change.objects.get(pk=8)\nstory.planned()\n"
    site.tell(RESUME + plan)
    expect(page.locator("#change")).to_contain_text("This cannot be carried out as asked.")
    expect(page.locator("#change")).to_contain_text("config-unreadable")


def test_it_follows_the_hosts(site: Site, page: Page) -> None:
    log_in(page, site.address, "carol")
    row = page.get_by_role("row", name=re.compile("web-1"))
    expect(row).to_contain_text("Online")
    link = row.get_by_role("link", name="web-1")
    link.focus()
    site.tell('Host.objects.filter(name="web-1").update(last_seen_at=None)\n')
    expect(row).to_contain_text("Offline")
    expect(link).to_be_focused()
    page.select_option("#status", "offline")
    page.wait_for_url("**/?*status=offline*")
    expect(page.get_by_role("row", name=re.compile("build-7"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("web-2"))).to_have_count(0)


def test_it_follows_a_new_plan_of_a_change_at_rest(site: Site, page: Page) -> None:
    log_in(page, site.address, "carol")
    resting = RESUME.replace("pk=7", "pk=6") + "story.enter(State.{}, 'x', end={})\n"
    site.tell(resting.format("BLOCKED", True))
    page.goto(site.address + REVIEW)
    expect(page.locator("#state-line")).to_contain_text("Blocked")
    site.tell(resting.format("PLANNING", False))
    expect(page.locator("#state-line")).to_contain_text("Planning")
    site.tell(resting.format("AWAITING_APPROVAL", False))
    expect(page.locator("#state-line")).to_contain_text("Awaiting approval")


def test_it_waits_for_a_host_to_appear(site: Site, page: Page) -> None:
    log_in(page, site.address, "admin")
    page.goto(site.address + "/add-host/")
    page.fill("#id_name", "web-9")
    page.keyboard.press("Enter")
    expect(page.locator("#enroll-command")).to_contain_text("python3 -c")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    arrived = """
seen = example(name="web-9")
Host.objects.filter(name="web-9").update(
    enrolled_at=timezone.now(), last_seen_at=timezone.now(), observed=to_json(seen),
    observed_at=timezone.now())
"""
    site.tell(arrived)
    expect(page.locator("#host-part")).to_contain_text("Bridge docker0")
    expect(page.locator("#host-part")).to_contain_text("Online")
    expect(page.locator("#enroll-command")).to_be_hidden()


def test_it_helps_with_the_size_and_loses_no_input(site: Site, page: Page) -> None:
    log_in(page, site.address, "alice")
    page.goto(site.address + "/changes/new/?host=edge-icn-1")
    page.fill("#id_reason", "More room")
    page.fill("#id_gateway", "nonsense")
    page.fill("#id_containers", "40")
    expect(page.locator("#size-part")).to_contain_text("A /26 has room for 61.")
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#id_subnet")).to_have_value(re.compile(r"/26$"))
    expect(page.locator("#id_reason")).to_have_value("More room")
    page.get_by_role("button", name="Ask for a plan").click()
    expect(page.locator("#id_gateway_error")).to_contain_text("“nonsense” is not an IPv4 address")
    expect(page.locator("#id_gateway")).to_have_value("nonsense")
    expect(page.locator("#id_reason")).to_have_value("More room")


def test_it_keeps_the_colours_that_one_chose(site: Site, page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(site.address + "/login/")
    root = page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    log_in(page, site.address, "carol")
    page.get_by_role("button", name="Colours: automatic").click()
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.reload()
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.get_by_role("button", name="Colours: light").click()
    expect(root).to_have_attribute("data-bs-theme", "dark")


def test_it_works_without_scripts(site: Site, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    log_in(page, site.address, "alice")
    page.goto(site.address + "/changes/new/?host=edge-icn-1")
    page.fill("#id_reason", "More room")
    page.fill("#id_containers", "40")
    page.get_by_role("button", name="Propose a range").click()
    expect(page.locator("#id_subnet")).to_have_value(re.compile(r"/26$"))
    page.get_by_role("button", name="Ask for a plan").click()
    expect(page.locator("h1")).to_contain_text("Move docker0 on edge-icn-1")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.locator("#state-line")).to_contain_text("Withdrawn")
    page.locator("details[data-menu] summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("#id_username")).to_be_visible()
    context.close()


@pytest.mark.parametrize("path", ["/", "/hosts/web-1/", "/changes/", RUNNING, REVIEW, "/tokens/"])
def test_it_fits_a_phone(phone_site: Site, chromium: Browser, path: str) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    log_in(page, phone_site.address, "alice")
    page.goto(phone_site.address + path)
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    context.close()
    assert widths[0] <= widths[1]


@pytest.fixture(scope="module")
def phone_site(seeded: str) -> Iterator[Site]:
    """One site for pages that are only looked at."""
    with seeded_site(seeded) as site:
        yield site
