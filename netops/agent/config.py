"""What the agent knows of itself: /etc/dockernet/agent.json, and where it keeps things."""

from __future__ import annotations

import json
import re
from pathlib import Path

from attrs import field, frozen

from netops.engine.errors import MessageRejected, Refused
from netops.engine.serial import from_json

CONFIG_PATH = Path("/etc/dockernet/agent.json")
STATE_FOLDER = Path("/var/lib/dockernet")


@frozen
class AgentConfig:
    """The file that enrolment wrote. `secret` is 32 bytes in hex; `broker_url` has user and
    password of this host alone."""

    host_id: str
    name: str
    site_url: str
    broker_url: str = field(repr=False)
    secret: str = field(repr=False)

    @property
    def key(self) -> bytes:
        """The secret shared with the site, as bytes."""
        return bytes.fromhex(self.secret)


@frozen
class Place:
    """The files of one agent: its configuration and the folder of its journal and state."""

    config: Path = CONFIG_PATH
    state: Path = STATE_FOLDER

    @property
    def jobs(self) -> Path:
        """One folder for each job."""
        return self.state / "jobs"

    @property
    def nat(self) -> Path:
        """The NAT settings of the host (netops/engine/adapters/nat_settings.py)."""
        return self.state / "nat.json"

    @property
    def lock(self) -> Path:
        """Held with flock(2) by the process that changes the host, for as long as it lives."""
        return self.state / "job.lock"


def config_load(path: Path) -> AgentConfig:
    """Read and check the configuration.

    Raises Refused ("not-enrolled", "config-invalid") with what a person can do.
    """
    try:
        data = json.loads(path.read_text())
        config = from_json(AgentConfig, data)
    except FileNotFoundError as error:
        raise Refused("not-enrolled", f"{path} is missing: enrol this host again.") from error
    except (OSError, ValueError, MessageRejected) as error:
        raise Refused("config-invalid", f"{path} cannot be used: {error}") from error
    if not re.fullmatch(r"[0-9a-f]{12}", config.host_id):
        raise Refused("config-invalid", f"{path}: host_id must be 12 hex characters.")
    if not re.fullmatch(r"[0-9a-f]{64}", config.secret):
        raise Refused("config-invalid", f"{path}: secret must be 32 bytes in hex.")
    return config
