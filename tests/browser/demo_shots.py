"""Takes the tutorial's pictures from the running demo: request, plan, approval, steps, record.

    python -m tests.browser.demo_shots [FOLDER]     (default: docs/pictures/screens; root)

Boots `./dockernet demo` on a free port, drives it as alice and bob, and takes it down.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chromium import launch

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "docs" / "pictures" / "screens"
SUBNET = "192.168.225.0/24"
_USER = re.compile(r"^  (alice|bob) +(\S+)  ")
_JOB_MS = 180_000


@contextmanager
def demo() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the address and the passwords of a demo with one host."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        l4_port = free.getsockname()[1]
    command = [sys.executable, "-m", "lab.demo", "--hosts", "1", "--port", str(l4_port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        passwords: dict[str, str] = {}
        for line in process.stdout:
            print(line, end="", flush=True)
            if found := _USER.match(line):
                passwords[found[1]] = found[2]
            if line.startswith("Ctrl-C"):
                break
        else:
            raise SystemExit("the demo did not start")
        yield f"http://127.0.0.1:{l4_port}", passwords
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)


def opened(browser: Browser, address: str, person: str, password: str) -> Page:
    """Return a tab of somebody who has logged in."""
    page = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB").new_page()
    page.goto(f"{address}/login/")
    page.fill("#id_username", person)
    page.fill("#id_password", password)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/login/" not in url)
    return page


def shots(browser: Browser, address: str, passwords: dict[str, str], folder: Path) -> None:
    """Walk the tutorial, and take a picture at each stop."""

    def keep(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png", full_page=True)

    alice = opened(browser, address, "alice", passwords["alice"])
    alice.goto(f"{address}/hosts/host1/")
    keep(alice, "1-host")
    alice.click("#request")
    alice.fill("#id_subnet", SUBNET)
    alice.fill("#id_reason", "collides with the VPN")
    alice.wait_for_load_state("networkidle")
    keep(alice, "2-request")
    alice.click("main form[method=post] button[type=submit]")
    alice.wait_for_url(re.compile(r"/changes/\d+/$"))
    change = alice.url
    bob = opened(browser, address, "bob", passwords["bob"])
    bob.goto(change)
    expect(bob.locator("#approve")).to_be_visible(timeout=60_000)
    keep(bob, "3-plan")
    bob.click("#approve")
    expect(bob.locator("[id^=step-][aria-current=step]")).to_be_visible(timeout=60_000)
    keep(bob, "4-live")
    expect(bob.locator("#revert")).to_be_visible(timeout=_JOB_MS)
    bob.reload()
    keep(bob, "5-record")
    alice.goto(f"{address}/hosts/host1/")
    # The host's new report follows within about a second; the page takes it by itself.
    expect(alice.locator("main")).to_contain_text("192.168.225.1/24", timeout=30_000)
    keep(alice, "6-host-after")


def main() -> None:
    """Boot, take the pictures, take down."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SCREENS
    folder.mkdir(parents=True, exist_ok=True)
    with demo() as (address, passwords), sync_playwright() as playwright:
        shots(launch(playwright), address, passwords, folder)
    print(f"pictures are in {folder}")


if __name__ == "__main__":
    main()
