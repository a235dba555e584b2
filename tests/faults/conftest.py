"""The site with its broker and its ingest, and the real agent against it, without Docker."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hosts.models import Host
from hosts.services import enrolment_redeem, host_create
from netops.agent.config import Place
from netops.engine.serial import to_json
from people.models import User
from tests.agent import conftest as agent_parts
from tests.site.conftest import broker, broker_server, enrol, fake, people, reader, recorded
from tests.site.fake_host import wait_until

__all__ = ["broker", "broker_server", "enrol", "fake", "people", "reader", "recorded"]

STAND_IN = Path(agent_parts.__file__).with_name("stand_in.py")


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


class RealAgent:
    """`dockernet-agent run` of an enrolled host, with a stand-in for what touches Docker."""

    def __init__(self, folder: Path, config: object) -> None:
        self.place = Place(folder / "agent.json", folder / "state")
        self.place.state.mkdir()
        self.place.config.write_text(json.dumps(to_json(config)))
        self.log = folder / "agent.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        argv = [sys.executable, "-I", "-c", agent_parts._RUN, str(agent_parts.ROOT), str(STAND_IN)]
        argv += ["--config", str(self.place.config), "--state", str(self.place.state), "run"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(15)
            self.process = None

    def config(self) -> dict[str, Any]:
        return dict(json.loads(self.place.config.read_text()))


@pytest.fixture
def agent(reader: Any, people: dict[str, User], tmp_path: Path) -> Iterator[RealAgent]:
    """An enrolled agent that is online, with the ingest running."""
    _, command = host_create(user=people["admin"], name="web-1")
    one = RealAgent(tmp_path, enrolment_redeem(token=command.split()[-1]))
    one.start()
    wait_until(lambda: Host.objects.get().observed is not None, 30)
    yield one
    one.kill()
