"""Docker's event stream: taken up, let go while a job may stop Docker, taken up again."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from netops.agent import observer as module
from netops.agent.observer import Observer


class Engine:
    """A socket that answers as Docker does, and counts who listens."""

    def __init__(self, path: Path) -> None:
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(str(path))
        self._listening.listen()
        self.streams = 0
        self.open = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            stream, _ = self._listening.accept()
            stream.recv(4096)
            stream.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            self.streams, self.open = self.streams + 1, self.open + 1
            threading.Thread(target=self._wait_for_end, args=(stream,), daemon=True).start()

    def _wait_for_end(self, stream: socket.socket) -> None:
        stream.recv(1)
        self.open -= 1
        stream.close()


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(module, "_GROUPS", 0)
    monkeypatch.setattr(module, "RECONNECT_S", 0.05)
    return Engine(tmp_path / "docker.sock")


def wait_until(engine: Engine, streams: int, opened: int) -> None:
    deadline = time.monotonic() + 10
    while (engine.streams, engine.open) != (streams, opened):
        assert time.monotonic() < deadline, (engine.streams, engine.open)
        time.sleep(0.01)


def test_it_lets_go_of_docker_while_a_job_may_stop_it(engine: Engine, tmp_path: Path) -> None:
    pid = tmp_path / "docker.pid"
    pid.write_text(str(os.getpid()))
    one = Observer(lambda: None, docker_socket=str(tmp_path / "docker.sock"), pid_files=(str(pid),))
    one.start()
    wait_until(engine, 1, 1)
    one.hear_docker(False)
    wait_until(engine, 1, 0)
    time.sleep(0.3)  # Several times RECONNECT_S: nothing tries again meanwhile.
    assert (engine.streams, engine.open) == (1, 0)
    one.hear_docker(True)
    wait_until(engine, 2, 1)
