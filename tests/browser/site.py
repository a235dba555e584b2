"""The site on seeded data, in processes of its own, for pictures and browser tests.

There is no broker and no host: events are written into the database, and the pages find them
there, as they do whenever the broker is away.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent.parent
_START = "import django; django.setup()\nfrom tests.pages.world import *\n"


class Site:
    """A server on 127.0.0.1 with a database below `home`."""

    def __init__(self, home: str) -> None:
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._environment = {
            **os.environ,
            "DOCKERNET_HOME": home,
            "DOCKERNET_PUBLIC_URL": self.address,
            "DJANGO_SETTINGS_MODULE": "dockernet_site.settings",
            "DOCKERNET_LOG_LEVEL": "ERROR",
            # Nobody answers there.
            "REDIS_URL": "redis://127.0.0.1:1",
        }
        self._environment.pop("DATABASE_URL", None)
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str) -> None:
        """Run Python with these arguments on the site's database."""
        command = [sys.executable, *arguments]
        subprocess.run(command, cwd=ROOT, env=self._environment, check=True)

    def tell(self, code: str) -> None:
        """Run code on the site's database that begins with the names of tests.pages.world."""
        self.run("-c", _START + code)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        serve = ["-m", "uvicorn", "dockernet_site.asgi:application", "--log-level", "error"]
        serve += ["--port", str(self.port), "--timeout-graceful-shutdown", "1"]
        command = [sys.executable, *serve]
        self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment)
        for _ in range(150):
            try:
                urlopen(f"{self.address}/login/", timeout=2).close()
                return
            except (URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError("the site did not start")

    def stop(self) -> None:
        """Stop the server."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def seed(home: str, program: str = "tests.browser.seed") -> None:
    """Make the database and the static files of a site in an empty folder."""
    site = Site(home)
    site.run("manage.py", "migrate", "-v0")
    site.run("manage.py", "collectstatic", "--no-input", "-v0")
    site.run("-m", program)


@contextmanager
def seeded_site(seeded: str = "") -> Iterator[Site]:
    """Yield a running site with the data of seed.py; nothing of it is left afterwards.

    `seeded` is a folder that `seed` filled before: it is copied, which is quicker.
    """
    with tempfile.TemporaryDirectory(prefix="dockernet-browser-") as home:
        if seeded:
            shutil.copytree(seeded, home, dirs_exist_ok=True)
        else:
            seed(home)
        site = Site(home)
        try:
            site.start()
            yield site
        finally:
            site.stop()


@contextmanager
def site_with(program: str, home: str) -> Iterator[Site]:
    """Yield a running site in an empty folder with what a program has put into its database."""
    seed(home, program)
    site = Site(home)
    try:
        site.start()
        yield site
    finally:
        site.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
