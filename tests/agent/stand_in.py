"""Stands in for `dockernet-agent work`, so that the agent is tested without touching any host.

`behaviour.json` in the state folder says what happens; each call is noted in `calls`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from netops.agent.jobs import EventLog, JobFolder
from netops.agent.lock import job_lock
from netops.engine.observed import (
    DaemonConfig,
    DockerDaemon,
    Firewall,
    Observed,
    ServiceState,
)
from netops.engine.serial import to_json
from tests.agent.site import plan_of


class Told(EventLog):
    """Tells the worker of each event."""

    def written(self) -> None:
        try:
            os.write(1, b".\n")
        except OSError:
            return


def observed(hostname: str) -> Observed:
    return Observed(
        at=str(time.time()),
        hostname=hostname,
        kernel="6.1",
        boot_id="b",
        daemon=DockerDaemon(True, "20.10.24"),
        config=DaemonConfig("/etc/docker/daemon.json", None),
        service=ServiceState("sysv", True),
        firewall=Firewall("nft"),
    )


def main(state: Path, argv: list[str]) -> int:
    path = state / "behaviour.json"
    behaviour: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    with (state / "calls").open("a") as calls:
        calls.write(" ".join(argv) + "\n")
    time.sleep(behaviour.get("slow_s", 0))
    if argv[0] == "observe":
        if behaviour.get("observe") == "fails":
            return 1
        print(json.dumps({"answer": to_json(observed(behaviour.get("hostname", "h")))}))
    elif argv[0] == "plan":
        answer: Any = {"answer": to_json(plan_of())}
        print(json.dumps(behaviour.get("plan", answer)))
    else:
        job(state, JobFolder(state / "jobs" / argv[1]), behaviour)
    return 0


def job(state: Path, folder: JobFolder, behaviour: dict[str, Any]) -> None:
    """Be the guard: carry the job out, or settle one that was begun before."""
    last = folder.last
    begun = last is not None and last.seq > 1
    with job_lock(state / "job.lock"):
        events = Told(folder, 7)
        if begun:
            events("end", "settled", state="rolled_back")
            return
        for number in range(behaviour.get("outputs", 3)):
            events("output", f"line {number}", step=1)
            time.sleep(behaviour.get("pause_s", 0))
        if behaviour.get("apply") == "dies":
            os.kill(os.getpid(), 9)
        events("end", "done", state="succeeded", outage_s=1.5, containers=[])


if __name__ == "__main__":
    options = sys.argv[1:]
    state_folder = Path(options[options.index("--state") + 1])
    sys.exit(main(state_folder, options[options.index("work") + 1 :]))
