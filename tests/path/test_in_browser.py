"""The main job as people do it: in the browser, on real hosts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from lab import Lab
from lab.check import prove
from lab.host import LabHost
from lab.site import Site

pytestmark = pytest.mark.browser

FRESH = (ipaddress.IPv4Network(f"10.91.{number}.0/24") for number in count(1))
Open = Callable[[str], Page]


@pytest.fixture
def browse(chromium: Browser, site: Site) -> Iterator[Open]:
    """Return a tab in the browser of a person who has logged in."""
    contexts = []

    def opened(name: str) -> Page:
        contexts.append(chromium.new_context(viewport={"width": 1280, "height": 900}))
        contexts[-1].set_default_timeout(20_000)
        page = contexts[-1].new_page()
        page.goto(f"{site.url}/login/")
        page.fill("#id_username", name)
        page.fill("#id_password", site.passwords[name])
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="Hosts")).to_be_visible()
        return page

    yield opened
    for context in contexts:
        context.close()


def test_it_goes_from_request_over_approval_to_the_record(
    path_lab: Lab, site: Site, host: LabHost, browse: Open, pictures: Path
) -> None:
    expect.set_options(timeout=30_000)
    subnet = next(FRESH)
    alice = browse("alice")
    alice.get_by_role("link", name=host.name, exact=True).click()
    expect(alice.locator("#host-part")).to_contain_text("Bridge docker0")
    for name in ("web", "api", "worker", "batch"):
        expect(alice.locator("#host-part")).to_contain_text(name)
    alice.screenshot(path=pictures / f"real-host-{host.init}.png", full_page=True)
    alice.get_by_role("link", name="Request a change").click()
    alice.fill("#id_subnet", f"{subnet[7]}/24")
    alice.fill("#id_reason", "The VPN uses the present one.")
    alice.get_by_role("button", name="Ask for a plan").click()
    expect(alice.locator("#id_subnet_error")).to_contain_text(f"the network is {subnet}")
    alice.fill("#id_subnet", str(subnet))
    alice.get_by_role("button", name="Ask for a plan").click()
    expect(alice.locator("#state-line")).to_contain_text("Awaiting approval")
    expect(alice.locator("#change")).to_contain_text("Waits for an approver other than alice")
    expect(alice.locator("#approve")).to_have_count(0)
    alice.evaluate("window.sameDocument = true")

    bob = browse("bob")
    bob.get_by_role("link", name="History", exact=True).click()
    bob.get_by_role("link", name=str(subnet)).first.click()
    expect(bob.locator("#change")).to_contain_text("restarts-containers")
    bob.screenshot(path=pictures / f"real-plan-{host.init}.png", full_page=True)
    bob.fill("#comment", "Go.")
    bob.locator("#approve").click()

    for page in (alice, bob):
        expect(page.locator("#state-line")).to_contain_text("Succeeded", timeout=90_000)
        expect(page.locator("#change")).to_contain_text("Services were away for")
    steps = alice.locator(".job-step")
    expect(alice.locator(".job-step-done")).to_have_count(steps.count())
    assert alice.evaluate("window.sameDocument") is True
    prove(path_lab, site, host, subnet)
    alice.screenshot(path=pictures / f"real-job-{host.init}.png", full_page=True)

    live = _settled(alice)
    alice.reload()
    assert _settled(alice) == live
    alice.get_by_role("link", name=host.name).first.click()
    expect(alice.locator("#host-part")).to_contain_text(f"{subnet[1]}/24")
    expect(alice.locator("#host-part")).to_contain_text("they agree")


def _settled(page: Page) -> list[str]:
    """The words of the change's page, without those that only tell the time."""
    told = re.sub(r"\d+ (second|minute)s? ago|just now", "", page.locator("#change").inner_text())
    return told.split()
