"""The real site, run from the checkout for a demo, a test or a benchmark, with its own home."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

from lab.client import Client
from lab.command import LabError, LabProcess, start
from lab.process import ProcessId, children
from lab.segment import Segment

ROOT = Path(__file__).resolve().parent.parent
ROLES = {"alice": "operator", "bob": "approver", "carol": "viewer", "admin": "admin"}
_STOP_S = 10.0
# What a word of each part's command line ends with.
_PARTS: dict[str, str | tuple[str, ...]] = {
    "broker": ("valkey-server", "redis-server"),
    "web": "dockernet_site.web",
    "ingest": "ingest",
    "worker": "celery",
}


class Site:
    """`dockernet up` on the lab's segment; use as a context manager.

    Args:
        segment: the site is reached by the hosts at its site_address.
        home: $DOCKERNET_HOME, removed at the end.
        port: TCP port of the pages and the API.
    """

    def __init__(self, segment: Segment, home: Path, port: int) -> None:
        self.home = home
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.public_url = f"http://{segment.site_address}:{port}"
        self._address = str(segment.site_address)
        self.passwords: dict[str, str] = {}
        self.clients: dict[str, Client] = {}
        self._process: LabProcess | None = None

    def __enter__(self) -> Site:
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            self.start()
            self._seed_users()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def log(self) -> Path:
        """All that the site has printed."""
        return self.home / "site.log"

    def start(self) -> None:
        """Start the site and wait until it answers.

        Raises:
            LabError: it ended, or does not answer within 60 s; with the end of its log.
        """
        # setpriv: the site ends with us, also when we are killed.
        argv = ["setpriv", "--pdeathsig", "TERM", sys.executable, "-m", "dockernet_site.up"]
        argv += ["--bind", self._address]
        argv += ["--port", str(self.port), "--public-url", self.public_url]
        with self.log.open("ab") as log:
            self._process = start(
                argv,
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
                raise LabError(f"the site did not start:\n{tail}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the site: SIGTERM, and SIGKILL if that takes more than 10 s."""
        if self._process is None:
            return
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._process = None

    def part(self, name: str) -> ProcessId:
        """The process of the broker, the web, the ingest or the worker.

        Raises:
            LabError: there is none now.
        """
        for pid in children(self._process.pid) if self._process else ():
            process, words = ProcessId.of(pid), _command_line(pid)
            if process is not None and any(word.endswith(_PARTS[name]) for word in words):
                return process
        raise LabError(f"the site's {name} does not run")

    def kill(self) -> None:
        """Kill -9 the site and all its parts at once, as a machine's power loss would."""
        if self._process is None:
            return
        parts = [ProcessId.of(pid) for pid in children(self._process.pid)]
        self._process.send_signal(signal.SIGKILL)
        for part in parts:
            if part is not None:
                part.kill()
        self._process.wait()
        self._process = None

    def freeze(self) -> None:
        """Stop what watches over the parts: one that is killed is not started again."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGCONT)

    def environment(self) -> dict[str, str]:
        """The environment of the site's programs: this home and nothing of the user's own."""
        drop = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE"}
        kept = {k: v for k, v in os.environ.items() if k not in drop}
        return {**kept, "DOCKERNET_HOME": str(self.home), "DOCKERNET_PUBLIC_URL": self.public_url}

    def manage(self, *argv: str) -> str:
        """Run a management command and return what it printed."""
        result = subprocess.run(
            [sys.executable, "manage.py", *argv],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if result.returncode != 0:
            raise LabError(f"manage {argv[0]} failed: {result.stdout}{result.stderr}")
        return result.stdout

    def broker_url(self) -> str:
        """The embedded broker's URL with the site's own rights, as benchmarks need it."""
        return (self.home / "broker" / "site_url").read_text().strip()

    def _seed_users(self) -> None:
        for name, role in ROLES.items():
            password = f"{name}-{secrets.token_hex(3)}"
            out = self.manage("user", name, "--role", role, "--password", password)
            self.passwords[name] = password
            self.clients[name] = Client(self.url, out.strip().splitlines()[-1])

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/openapi.json", timeout=2):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False


def _command_line(pid: int) -> list[str]:
    try:
        # A broker writes its address behind its name, into the same word.
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").split()
    except OSError:
        return []


def port_free(port: int, address: str = "127.0.0.1") -> bool:
    """True if nothing listens on that TCP port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def port_pick() -> int:
    """A TCP port that is free now on every address."""
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        return int(probe.getsockname()[1])
