"""Orders a fault on a lab host and waits until it has struck."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.command import LabError
from lab.host import LabHost

HOOK = Path(__file__).with_name("hook.py")
LIB = "/opt/dockernet/lib/netops"
IMPORT = "\nfrom netops.engine import fault_hook  # by a test\n\n"
WRAPPED = {
    f"{LIB}/engine/journal.py": "fault_hook.arm(Journal)\n",
    f"{LIB}/agent/orders.py": "fault_hook.arm_orders(Orders)\n",
}
ORDERS, STRUCK = "/run/dockernet-fault.json", "/run/dockernet-fault.struck"


def hook_install(host: LabHost) -> None:
    """Put the hook into the agent's copy on this host, once; its processes to come have it."""
    if host.run(["test", "-e", f"{LIB}/engine/fault_hook.py"], check=False).returncode == 0:
        return
    host.write(f"{LIB}/engine/fault_hook.py", HOOK.read_text())
    for path, line in WRAPPED.items():
        host.write(path, host.read(path) + IMPORT + line)
    # What the worker itself does is struck too.
    host.run("service dockernet-agent restart")


def fault_order(host: LabHost, *orders: dict[str, Any]) -> None:
    """Order faults: {step, point, act, delay_s?}, see hook.py; what was ordered before is gone."""
    filled = [{"delay_s": 0.3, **order} for order in orders]
    host.write(ORDERS, json.dumps(filled))
    host.run(["rm", "-f", STRUCK])


def fault_struck(host: LabHost, count: int = 1, timeout_s: float = 60.0) -> list[dict[str, Any]]:
    """Wait until `count` faults have struck and return them.

    Raises LabError when they do not in time.
    """
    path = Path(f"/proc/{host.pid1}/root{STRUCK}")
    deadline = time.monotonic() + timeout_s
    while True:
        lines: Sequence[str] = path.read_text().splitlines() if path.exists() else []
        if len(lines) >= count:
            return [json.loads(line) for line in lines]
        if time.monotonic() > deadline:
            raise LabError(f"{host.name}: the fault did not strike in {timeout_s:g} s")
        time.sleep(0.01)
