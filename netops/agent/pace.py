"""When to look at the host: at once as a rule, seldom while it never comes to rest."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

PERIOD_S = 300.0
# A look costs half a second of processor time. Looking may go on at will for this long ...
BURST_S = 10.0
# ... and then takes this share of one core, a look that shows nothing new counting threefold.
SHARE = 0.1
NOTHING_NEW = 3.0


class Pace:
    """`clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = False
        self._credit = BURST_S
        self._counted = clock()
        self._periodic = clock() + PERIOD_S

    def changed(self) -> None:
        """Something happened on the host."""
        self._changed = True

    def due(self) -> tuple[str, float]:
        """Return the cause to look for now ("" if none) and the seconds until the next."""
        now = self._count()
        if now >= self._periodic:
            return "periodic", 0.0
        if not self._changed:
            return "", self._periodic - now
        if self._credit > 0:
            return "changed", 0.0
        return "", min(self._periodic - now, -self._credit / SHARE + 0.01)

    def looking(self) -> None:
        """A look begins: what changed before it will be seen."""
        self._changed = False

    def looked(self, took_s: float, *, different: bool) -> None:
        """A look has ended that took `took_s` seconds of processor time."""
        now = self._count()
        self._credit -= took_s if different else took_s * NOTHING_NEW
        self._periodic = now + PERIOD_S

    def _count(self) -> float:
        now = self._clock()
        self._credit = min(BURST_S, self._credit + (now - self._counted) * SHARE)
        self._counted = now
        return now


def children_cpu_s() -> float:
    """Processor seconds of all children that have ended (getrusage(2)).

    Not the time on the wall: on a busy host a look that waits costs nothing, and must not make
    the next one late.
    """
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
