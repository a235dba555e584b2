"""A PostgreSQL that is made for one run of the tests and thrown away, from Debian's packages."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import dj_database_url
import psycopg
from django.conf import settings
from django.db import connections

USERS = ("postgres", "nobody")


class ThrowAwayPostgres:
    """A server on a Unix socket in a folder of its own under /tmp; it ends with this process."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dockernet-pg-", dir="/tmp"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its DATABASE_URL."""
        return f"postgres://dockernet@{quote(str(self.folder), safe='')}/postgres"

    def start(self) -> None:
        """Make the cluster and start the server. Raises RuntimeError when that fails."""
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not programs:
            raise RuntimeError("needs PostgreSQL: apt-get install postgresql")
        user = self._as_user()
        data = str(self.folder / "data")
        initdb = [str(programs[-1] / "initdb"), "-D", data, "-U", "dockernet", "-A", "trust"]
        made = subprocess.run(
            [*user, *initdb, "--no-sync", "-E", "UTF8", "--locale=C"],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        options = ["-k", str(self.folder), "-c", "listen_addresses=", "-c", "fsync=off"]
        log = (self.folder / "log").open("wb")
        self._process = subprocess.Popen(
            [*user, str(programs[-1] / "postgres"), "-D", data, *options],
            stdout=log,
            stderr=log,
            cwd=self.folder,
            start_new_session=True,
        )
        self._wait()

    def _as_user(self) -> list[str]:
        """PostgreSQL refuses to run as root; setpriv(1) also ties its life to ours."""
        ties = ["setpriv", "--pdeathsig", "INT"]
        if os.geteuid() != 0:
            return ties
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        user = next(known[name] for name in USERS if name in known)
        os.chown(self.folder, user.pw_uid, user.pw_gid)
        return [*ties, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError as error:
                ended = self._process is not None and self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    text = (self.folder / "log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL does not start: {text}") from error
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End the server and remove all of it."""
        if self._process is not None:
            self._process.send_signal(2)  # SIGINT: fast shutdown
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)


def use_database(url: str) -> None:
    """Let Django use another database from now on; nothing may have been asked of it yet."""
    connections.close_all()
    connections.settings["default"] = dict(dj_database_url.parse(url))
    settings.DATABASES = connections.configure_settings(connections.settings)
    del connections["default"]
