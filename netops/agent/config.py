"""What the agent knows of itself: /etc/dockernet/agent.json, and where it keeps things."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from attrs import evolve, field, frozen

from netops.engine.errors import MessageRejected, Refused
from netops.engine.serial import from_json, to_json

CONFIG_PATH = Path("/etc/dockernet/agent.json")
STATE_FOLDER = Path("/var/lib/dockernet")


@frozen
class AgentConfig:
    """The file that enrolment wrote. `secret` is 32 bytes in hex; `broker_url` has user and
    password of this host alone; `broker_ca` names a file of certificates that the broker's must
    come from, beside this file if the path is relative ("": those that the system trusts).

    Keys of rotation `rotation_id` are new until the site is heard with them: up to then
    `old_secret` opens its messages too.
    """

    host_id: str
    name: str
    site_url: str
    broker_url: str = field(repr=False)
    secret: str = field(repr=False)
    broker_ca: str = ""
    old_secret: str = field(default="", repr=False)
    rotation_id: str = ""

    @property
    def key(self) -> bytes:
        """The secret shared with the site, as bytes."""
        return bytes.fromhex(self.secret)

    @property
    def old_key(self) -> bytes:
        """The secret before a rotation that the site may not know of yet, b"" if there is none."""
        return bytes.fromhex(self.old_secret)


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
    if not re.fullmatch(r"([0-9a-f]{64})?", config.old_secret):
        raise Refused("config-invalid", f"{path}: old_secret must be 32 bytes in hex.")
    if not config.broker_ca:
        return config
    ca = path.parent / config.broker_ca
    if not ca.is_file():
        raise Refused("config-invalid", f"{path}: broker_ca names {ca}, which is missing.")
    return evolve(config, broker_ca=str(ca))


def config_save(path: Path, config: AgentConfig) -> None:
    """Write the configuration, on disk when this returns, whole or not at all.

    Raises Refused("disk") when the disk does not take it; the former one is still there then.
    """
    part = path.with_name(path.name + ".part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(to_json(config), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Refused("disk", f"This host cannot keep its new keys: {error.strerror}.") from error
