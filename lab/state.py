"""The runs of this machine: who owns each, its id, its part of the outside network, its folder.

A run's folder is made before anything else of the run and removed after everything else, so
whatever a crash leaves can be found from here.
"""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.command import LabError, run
from lab.process import ProcessId

PREFIX = "dnlab-"

# A documentation range (RFC 5737) first, then those for benchmarks (RFC 2544): one a run. Not
# 203.0.113.0/24: test machines were seen to reach their package proxy there, by a default route.
_SLICES = [
    ipaddress.IPv4Network("198.51.100.0/24"),
    *ipaddress.IPv4Network("198.18.0.0/19").subnets(new_prefix=24),
]


@dataclass(frozen=True)
class LabRun:
    """One run of the lab: `prefix` starts the name of each namespace, link and cgroup it makes."""

    run_id: str
    owner: ProcessId
    network: ipaddress.IPv4Network
    folder: Path

    @property
    def prefix(self) -> str:
        """For instance `dnlab-3fa9-`: with 4 more characters it still fits a link's 15."""
        return f"{PREFIX}{self.run_id}-"

    def forget(self) -> None:
        """Remove the run's folder: the last thing of a run."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.exists():
            raise LabError(f"cannot remove {self.folder}: something is still mounted or running")


def base_folder() -> Path:
    """Where runs and the cache live: $DOCKERNET_LAB_HOME, or /var/lib/dockernet-lab."""
    return Path(os.environ.get("DOCKERNET_LAB_HOME") or "/var/lib/dockernet-lab").resolve()


def run_claim(*, base: Path) -> LabRun:
    """Start a run: a fresh id and a network that neither a run nor the machine uses.

    Raises:
        LabError: all networks are in use, or `base` is no place for the disks of hosts.
    """
    with locked(base):
        kind = run(["stat", "--file-system", "--format=%T", str(base)]).stdout.strip()
        if kind == "overlayfs":
            raise LabError(f"{base} is on an overlay: set DOCKERNET_LAB_HOME to a plain disk")
        taken = [other.network for other in runs_list(base=base)] + _machine_networks()
        free = (net for net in _SLICES if not any(net.overlaps(used) for used in taken))
        network = next(free, None)
        if network is None:
            raise LabError("every network of the lab is in use: python3 -m lab.cleanup")
        owner = ProcessId.of(os.getpid())
        assert owner is not None
        while True:
            run_id = secrets.token_hex(2)
            folder = base / "runs" / run_id
            if not folder.exists():
                break
        folder.mkdir(parents=True, mode=0o700)
        claimed = LabRun(run_id, owner, network, folder)
        _save(claimed)
        return claimed


def runs_list(*, base: Path) -> list[LabRun]:
    """Every run that has a folder, dead or alive."""
    found = []
    for folder in sorted((base / "runs").glob("*")):
        try:
            data = json.loads((folder / "run.json").read_text())
        except (OSError, ValueError):
            # The crash came between the folder and its record: nothing else exists of this run.
            data = {"owner": [0, 0], "network": "0.0.0.0/32"}
        owner = ProcessId(*data["owner"])
        network = ipaddress.IPv4Network(data["network"])
        found.append(LabRun(folder.name, owner, network, folder))
    return found


@contextlib.contextmanager
def locked(base: Path) -> Iterator[None]:
    """Hold the lock of all runs; freed by the kernel if its holder dies (flock(2))."""
    base.mkdir(parents=True, mode=0o700, exist_ok=True)
    with (base / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _save(claimed: LabRun) -> None:
    """Write the run's record, whole or not at all."""
    data = {
        "owner": [claimed.owner.pid, claimed.owner.started],
        "network": str(claimed.network),
    }
    part = claimed.folder / "run.json.part"
    part.write_text(json.dumps(data))
    part.rename(claimed.folder / "run.json")


def _machine_networks() -> list[ipaddress.IPv4Network]:
    """What the root namespace has a route to, the default route aside."""
    routes = json.loads(run(["ip", "-j", "-4", "route", "show", "table", "all"]).stdout or "[]")
    words = [route["dst"] for route in routes if route["dst"] not in ("default", "0.0.0.0/0")]
    return [ipaddress.IPv4Network(word, strict=False) for word in words]
