"""The embedded broker on a free port, which can be killed and started again."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from dockernet_site.broker import EmbeddedBroker


class RealBroker:
    """A Valkey or Redis server as `./dockernet up` runs it."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        self.embedded = EmbeddedBroker(folder, port, ("127.0.0.1",), "s" * 40)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        self._process = self.embedded.start()

    def stop(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
