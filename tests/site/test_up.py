"""`python -m dockernet_site.up`: the whole site as one command, as its user meets it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.site.fake_host import wait_until

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Up:
    """The command, with a home of its own."""

    def __init__(self, home: Path, *argv: str, **env: str) -> None:
        kept = {k: v for k, v in os.environ.items() if "DOCKERNET" not in k}
        for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
            kept.pop(name, None)
        self.port = free_port()
        self.log = home / "log"
        self.env = {**kept, "DOCKERNET_HOME": str(home), **env}
        self.env.setdefault("DOCKERNET_BROKER_PORT", str(free_port()))
        command = [sys.executable, "-m", "dockernet_site.up", "--port", str(self.port), *argv]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def ready(self) -> bool:
        assert self.process.poll() is None, self.text
        return "ready." in self.text

    def get(self, path: str) -> Any:
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read()

    def children(self) -> dict[str, int]:
        """Process ids by what they are."""
        out = subprocess.run(
            ["ps", "-ww", "--ppid", str(self.process.pid), "-o", "pid=", "-o", "args="],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        names = {
            **{"dockernet_site.web": "web", "manage.py ingest": "ingest"},
            **{"celery": "worker", "-server": "broker", "manage.py prepare": "prepare"},
        }
        found = {}
        for line in out.splitlines():
            pid, _, args = line.strip().partition(" ")
            found |= {name: int(pid) for mark, name in names.items() if mark in args}
        return found

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        start = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(20), time.monotonic() - start


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    one = Up(tmp_path)
    wait_until(one.ready, 60)
    yield one
    if one.process.poll() is None:
        one.stop()


def gone(pids: dict[str, int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids.values())


def test_it_starts_says_where_and_stops_clean(up: Up) -> None:
    assert f"http://127.0.0.1:{up.port}" in up.text
    schema = json.loads(up.get("/api/v1/openapi.json"))
    assert schema["info"]["title"] == "Dockernet"
    wait_until(lambda: set(up.children()) == {"broker", "web", "ingest", "worker"})
    children = up.children()
    wait_until(lambda: "manage user NAME --role admin" in up.text)
    assert "start with --bind ADDRESS" in up.text
    database = up.log.with_name("dockernet.sqlite3")
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    status, seconds = up.stop()
    assert (status, seconds < 5.5) == (0, True)
    assert gone(children)
    assert "Traceback" not in up.text
    assert "password" not in up.text.replace("--password PASSWORD", "")


def test_it_serves_its_static_files_compressed_and_for_ever(up: Up) -> None:
    page = up.get("/api/v1/docs").decode()
    path = next(part for part in page.split('"') if part.startswith("/static/") and ".css" in part)
    request = urllib.request.Request(
        f"http://127.0.0.1:{up.port}{path}", headers={"Accept-Encoding": "gzip"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "immutable" in answer.headers["Cache-Control"]


def test_it_stops_at_once_at_ctrl_c_with_a_stream_open(up: Up) -> None:
    code = (
        "from tests.site.rows import *; from people.services import *; "
        "u, _ = user_save(name='ann', role='operator'); change_row(host_row(), u, pk=1); "
        "print(token_issue(user=u))"
    )
    made = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", code],
        cwd=ROOT,
        env=up.env,
        capture_output=True,
        text=True,
        check=True,
    )
    request = urllib.request.Request(
        f"http://127.0.0.1:{up.port}/api/v1/changes/1/events",
        headers={"Authorization": f"Bearer {made.stdout.split()[-1]}"},
    )
    with urllib.request.urlopen(request, timeout=10) as stream:
        assert stream.readline() == b": open\n"
        status, seconds = up.stop(signal.SIGINT)
        with contextlib.suppress(OSError, http.client.HTTPException):
            stream.read()
    assert (status, seconds < 10) == (0, True)
    assert "Traceback" not in up.text


def test_it_starts_again_what_dies(up: Up) -> None:
    wait_until(lambda: len(up.children()) == 4)
    for name, old in up.children().items():
        os.kill(old, signal.SIGKILL)
        wait_until(lambda name=name, old=old: up.children().get(name) not in (None, old), 20)
        assert f"{name} ended" in up.text

    def answers() -> bool:
        try:
            return bool(up.get("/api/v1/openapi.json"))
        except (urllib.error.URLError, OSError):
            return False

    wait_until(answers, 20)


def test_it_leaves_nothing_behind_when_it_is_killed(up: Up) -> None:
    wait_until(lambda: len(up.children()) == 4)
    children = up.children()
    up.stop(signal.SIGKILL)
    wait_until(lambda: gone(children), 15)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_while_it_still_prepares(tmp_path: Path, number: int) -> None:
    """The database takes the connection and never answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        silent.settimeout(60)
        url = f"postgres://x@127.0.0.1:{silent.getsockname()[1]}/x"
        one = Up(tmp_path, DATABASE_URL=url)
        try:
            link, _ = silent.accept()
            with link:
                children = one.children()
                status, seconds = one.stop(number)
        finally:
            one.process.kill()
    assert (status, seconds < 10) == (0, True)
    assert set(children) == {"broker", "prepare"}
    assert gone(children)
    assert "Traceback" not in one.text
    assert one.text.splitlines()[-1] == "dockernet: stopped."


@pytest.mark.parametrize(
    ("argv", "env", "words"),
    [
        (["--port", "TAKEN"], {}, "port"),
        (["--port", "99999"], {}, "--port"),
        (["--bind", "192.0.2.7"], {}, "--bind"),
        (["--bind", "nonsense"], {}, "--bind"),
        (["--public-url", "nonsense"], {}, "DOCKERNET_PUBLIC_URL"),
        ([], {"DATABASE_URL": "mysql://x"}, "DATABASE_URL"),
        ([], {"DATABASE_URL": "postgres://127.0.0.1:1/x"}, "database"),
        ([], {"REDIS_URL": "http://x"}, "REDIS_URL"),
        ([], {"DOCKERNET_BROKER_PORT": "TAKEN"}, "DOCKERNET_BROKER_PORT"),
        ([], {"DOCKERNET_BROKER_PORT": "x"}, "port"),
    ],
)
def test_it_says_what_to_do_when_it_cannot_start(
    tmp_path: Path, argv: list[str], env: dict[str, str], words: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        one = Up(
            tmp_path,
            *[port if word == "TAKEN" else word for word in argv],
            **{k: port if v == "TAKEN" else v for k, v in env.items()},
        )
        assert one.process.wait(60) == 2, one.text
    lines = [line for line in one.text.splitlines() if line.startswith("dockernet: ")]
    said = [line for line in lines if words in line] or [one.text.splitlines()[-1]]
    assert words in said[0]
    assert "Traceback" not in one.text


def test_it_gives_up_on_what_dies_again_and_again(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    one = Up(tmp_path)
    wait_until(one.ready, 60)
    wait_until(lambda: len(one.children()) == 4)
    deadline = time.monotonic() + 60
    while one.process.poll() is None and time.monotonic() < deadline:
        ingest = one.children().get("ingest")
        if ingest:
            with contextlib.suppress(ProcessLookupError):
                os.kill(ingest, signal.SIGKILL)
        time.sleep(0.05)
    assert one.process.wait(20) == 1
    assert "ingest ended 5 times" in one.text
