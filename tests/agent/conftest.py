"""An agent in a process of its own, a real broker, and the site's end of the wire."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netops.agent.config import AgentConfig, Place
from netops.engine.serial import to_json
from tests.agent.broker import Broker
from tests.agent.site import Site

ROOT = Path(__file__).resolve().parents[2]
HOST_ID = "0123456789ab"

# The agent as it is, with the stand-in for its child processes.
_RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv.pop(1))
from netops.agent import child, observer
child._PROGRAM = Path(sys.argv.pop(1))
observer._GROUPS = 0  # What this machine's other tests do to its links is not ours to hear.
from netops.agent.cli import main
sys.exit(main())
"""


class Agent:
    """The process `dockernet-agent run` with a folder of its own."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.place = Place(folder / "agent.json", folder / "state")
        self.place.state.mkdir()
        self.config = AgentConfig(HOST_ID, "h1", "http://127.0.0.1:1", broker.host_url, "ab" * 32)
        self.place.config.write_text(json.dumps(to_json(self.config)))
        self.log = folder / "agent.log"
        self.process: subprocess.Popen[bytes] | None = None

    def behave(self, **behaviour: Any) -> None:
        """Say what the stand-in does from now on."""
        (self.place.state / "behaviour.json").write_text(json.dumps(behaviour))

    def calls(self) -> list[str]:
        """What the stand-in was asked to do, observations aside."""
        path = self.place.state / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line != "observe"]

    def start(self) -> None:
        stand_in = str(Path(__file__).with_name("stand_in.py"))
        argv = [sys.executable, "-I", "-c", _RUN, str(ROOT), stand_in]
        argv += ["--config", str(self.place.config), "--state", str(self.place.state), "run"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Send a signal, wait for the end and return the exit status."""
        assert self.process is not None
        os.kill(self.process.pid, number)
        status = self.process.wait(15)
        self.process = None
        return status


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    one = Broker(folder, HOST_ID)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def idle_agent(tmp_path: Path, broker: Broker) -> Iterator[Agent]:
    """An agent that does not run yet."""
    one = Agent(tmp_path, broker)
    yield one
    if one.process is not None:
        one.kill()


@pytest.fixture
def agent(idle_agent: Agent) -> Agent:
    """An agent that runs."""
    idle_agent.start()
    return idle_agent


@pytest.fixture
def site(broker: Broker, idle_agent: Agent) -> Site:
    return Site(broker, idle_agent.config)
