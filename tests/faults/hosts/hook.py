"""Goes onto a lab host, into the agent's installed copy: strikes at an exact point of a job.

`ORDERS` has a list of {step, point, act, delay_s}; each is struck once, and told in `STRUCK` first.
Points: `before` (the step is announced, the journal knows nothing of it), `in` (the journal says
begun, nothing is done), `half` (delay_s seconds into doing it, or when it is done and the journal
does not know it yet, whichever comes first), `after` (the journal says done, nobody was told),
`undo` (the step was just undone). With step 0, after the last one: `held` (the journal says that
all is done, nobody was asked), `asked` (the site is about to be asked to confirm), `confirmed` (the
confirm is on the disk, in the worker), `ended` (the journal has the outcome, nobody was told).
Acts: see `_strike`. Production code knows nothing of all this.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

ORDERS = Path("/run/dockernet-fault.json")
STRUCK = Path("/run/dockernet-fault.struck")
WORKER, GUARD = ("__main__.py", "run"), ("work", "guard")
CARRIERS = (("work", "apply"), ("work", "settle"))


def arm(journal: Any) -> None:
    """Wrap what netops.engine.journal.Journal (the class) writes."""
    begun, done, undone = journal.step_begun, journal.step_done, journal.step_undone
    timers: dict[int, threading.Timer] = {}

    def step_begun(self: Any, step: int, saved: Any) -> None:
        _reached(step, "before")
        begun(self, step, saved)
        _reached(step, "in")
        order = _order(step, "half")
        if order is not None:
            timers[step] = threading.Timer(order["delay_s"], lambda: _reached(step, "half"))
            timers[step].daemon = True
            timers[step].start()

    def step_done(self: Any, step: int) -> None:
        if step in timers:
            timers.pop(step).cancel()
            _reached(step, "half")
        done(self, step)
        _reached(step, "after")

    def step_undone(self: Any, step: int) -> None:
        undone(self, step)
        _reached(step, "undo")

    journal.step_begun, journal.step_done = step_begun, step_done
    journal.step_undone = step_undone
    _after(journal, "hold", "held")
    _after(journal, "finish", "ended")


def arm_orders(orders: Any) -> None:
    """Wrap what netops.agent.orders.Orders (the class) writes."""
    _after(orders, "ask_begin", "asked")
    _after(orders, "confirm", "confirmed")


def _after(cls: Any, name: str, point: str) -> None:
    plain = getattr(cls, name)

    def wrapped(*args: Any, **words: Any) -> Any:
        result = plain(*args, **words)
        _reached(0, point)
        return result

    setattr(cls, name, wrapped)


def _orders() -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads(ORDERS.read_text())
    except (OSError, ValueError):
        return []
    return found


def _order(step: int, point: str) -> dict[str, Any] | None:
    for order in _orders():
        if order["step"] == step and order["point"] == point:
            return order
    return None


def _reached(step: int, point: str) -> None:
    order = _order(step, point)
    if order is None:
        return
    left = [other for other in _orders() if other != order]
    ORDERS.write_text(json.dumps(left))
    with STRUCK.open("a") as file:
        file.write(json.dumps({**order, "at": time.time(), "guard": bool(_find(GUARD))}) + "\n")
    _strike(order["act"])


def _strike(act: str) -> None:
    if act.startswith("sleep-"):
        time.sleep(float(act.removeprefix("sleep-")))
        return
    if act == "freeze":
        _freeze()
        return
    words = act.removeprefix("kill-").split("+")
    kinds = {"worker": (WORKER,), "guard": (GUARD,), "carrier": CARRIERS}
    doomed = {pid for word in words for kind in kinds[word] for pid in _find(kind)}
    for pid in doomed - {os.getpid()}:
        os.kill(pid, signal.SIGKILL)
    if os.getpid() in doomed:
        os.kill(os.getpid(), signal.SIGKILL)
    if "guard" in words and any(os.getpid() in _find(kind) for kind in CARRIERS):
        time.sleep(3)  # Whoever carries a job out must end with its guard, and do no step more.


def _freeze() -> None:
    """Nothing more happens to the job until the power goes."""
    for kind in (WORKER, GUARD, *CARRIERS):
        for pid in _find(kind):
            if pid != os.getpid():
                os.kill(pid, signal.SIGSTOP)
    os.kill(os.getpid(), signal.SIGSTOP)


def _find(words: tuple[str, ...]) -> list[int]:
    """The pids whose command line has `words` one after the other, the last path's name counts."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            argv = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        names = [word.rpartition("/")[2] for word in argv]
        if any(tuple(names[i : i + 2]) == words for i in range(len(names))):
            found.append(int(folder.name))
    return found
