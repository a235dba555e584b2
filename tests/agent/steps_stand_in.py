"""Stands in for `work apply` and `work settle` under a real guard: journal and events, no host.

`behaviour.json` in the state folder: `apply` is "holds" (all done, the confirm is missing), "holds
before a boot", "dies", "hangs" or "fails"; `settle` is "dies" or "". Each call is noted in `calls`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from netops.agent.jobs import JobFolder
from netops.agent.orders import boot_id
from netops.agent.telling import TellingLog, job_end
from netops.engine.journal import ROLLED_BACK, SUCCEEDED, Journal, Outcome
from netops.engine.observed import Controller


def main(state: Path, argv: list[str]) -> None:
    behaviour = json.loads((state / "behaviour.json").read_text())
    with (state / "calls").open("a") as calls:
        calls.write("|".join([argv[0], *argv[2:]]) + "\n")
    folder = JobFolder(state / "jobs" / argv[1])
    journal, events = Journal(folder.path / "journal"), TellingLog(folder, 7, 1)
    if argv[0] == "apply":
        _apply(behaviour.get("apply", "holds"), folder, journal, events)
        return
    if behaviour.get("settle") == "dies" and (state / "calls").read_text().count("settle") == 1:
        os.kill(os.getpid(), 9)
    why = argv[2] if argv[2:] else "It was cut short."
    outcome = Outcome(ROLLED_BACK, why)
    if journal.exists:
        journal.turn_back(why)
        journal.finish(outcome)
    job_end(events, outcome)


def _apply(how: str, folder: JobFolder, journal: Journal, events: TellingLog) -> None:
    boot = "another boot" if how == "holds before a boot" else boot_id()
    journal.begin(folder.request().plan, Controller(), boot)
    events("step_started", "Do it", step=1)
    if how == "dies":
        os.kill(os.getpid(), 9)
    if how == "hangs":
        (folder.path / "hangs").write_text(str(os.getpid()))
        time.sleep(600)
    if how == "fails":
        outcome = Outcome(ROLLED_BACK, "Step 1 failed.")
        journal.finish(outcome)
        job_end(events, outcome)
        return
    events("step_done", "Do it", step=1)
    journal.hold(Outcome(SUCCEEDED, "Done and proved.", 1.5))


if __name__ == "__main__":
    options = sys.argv[1:]
    main(Path(options[options.index("--state") + 1]), options[options.index("work") + 1 :])
