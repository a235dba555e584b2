"""Whether a container's first process will end at its stop signal."""

from __future__ import annotations

import signal
from pathlib import Path


def heeds_signal(pid: int, name: str) -> bool | None:
    """Return whether a container's pid 1 catches, blocks or waits for a signal ("" for SIGTERM).

    The kernel drops any other signal to pid 1 of a pid namespace (pid_namespaces(7)) but SIGKILL
    from outside. A pid 1 like docker-init sleeps in sigtimedwait(2), during which its mask does
    not show what it waits for. None when it cannot be known.
    """
    number = _signal_number(name or "SIGTERM")
    if number == signal.SIGKILL:
        return True
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return None
    masks = [int(line.split()[1], 16) for line in lines if line.startswith(("SigCgt:", "SigBlk:"))]
    if number is None or not masks:
        return None
    return any(mask & (1 << (number - 1)) for mask in masks) or _waits_for_signals(pid)


def _waits_for_signals(pid: int) -> bool:
    try:
        return "sigtimedwait" in Path(f"/proc/{pid}/wchan").read_text(errors="replace")
    except OSError:
        return False


def _signal_number(name: str) -> int | None:
    if name.isdigit():
        return int(name)
    full = name.upper() if name.upper().startswith("SIG") else f"SIG{name.upper()}"
    found = signal.Signals.__members__.get(full)
    if found is not None:
        return int(found)
    # Docker also takes RTMIN+n and RTMAX-n.
    base, sign, offset = full.replace("-", "+-").partition("+")
    found = signal.Signals.__members__.get(base)
    number = offset.lstrip("-")
    return int(found) + int(offset) if found and sign and number.isdigit() else None
