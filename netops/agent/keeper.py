"""Sees that the NAT rules of this host stay, and follow Docker: looks when rules were written or
Docker told of an event, and puts them back or leads them where a network or container is now."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

from netops.agent.child import child_ask
from netops.agent.config import Place
from netops.engine.adapters import host_ports
from netops.engine.errors import DockernetError, OperationFailed
from netops.engine.nat_keep import followed, lacking, same_family
from netops.engine.nat_setting import NatState
from netops.engine.ports import HostPorts
from netops.wire import RulesRestored

log = logging.getLogger(__name__)
# Long enough for a program that writes rule after rule, short enough for two seconds in all; on a
# host where somebody always writes, a look a second.
SOON_S, BETWEEN_S, AGAIN_S, LOOK_S, KEEP_S = 0.3, 1.0, 30.0, 60.0, 60.0
NEVER = float("inf")


class Keeper:
    """When to look at our rules, and the look itself. Looking costs two short programs and two
    requests to Docker."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._at = NEVER
        self._last = self._looked = -NEVER
        self._failed = ""
        self._not_before = -NEVER
        self._pause = BETWEEN_S

    @property
    def active(self) -> bool:
        """True if this host has NAT settings."""
        return self._place.nat.exists()

    def due_soon(self) -> None:
        """Something happened that may have cost us rules."""
        if self.active:
            soon = max(time.monotonic() + SOON_S, self._last + BETWEEN_S, self._not_before)
            self._at = min(self._at, soon)

    def later(self) -> None:
        """Not now: a job is at it, which is heard of when it has ended."""
        self._at = time.monotonic() + AGAIN_S

    def due(self) -> float:
        """Return the seconds until the next look, infinite where none is wanted."""
        return self._at - time.monotonic()

    def look_due(self) -> bool:
        """True, once in LOOK_S seconds, if rules that others wrote should be reported too."""
        now = time.monotonic()
        if now - self._looked < LOOK_S:
            return False
        self._looked = now
        return True

    def restore(self) -> RulesRestored | None:
        """Look, and put back what is missing; return what there is to tell, None if nothing."""
        self._at, self._last = NEVER, time.monotonic()
        if not self.active:
            return None
        try:
            ports = host_ports()
            state = ports.nat.read()
            if not same_family(ports, state):
                return None
            moved = self._moved(ports, state)
            if not moved and not lacking(ports, state) and ports.forwarding.enabled():
                self._failed = ""
                return None
            missing = child_ask(self._place, "keep", timeout_s=KEEP_S)
            self._not_before = -NEVER
        except (DockernetError, OSError) as error:
            return self._failure(str(error))
        self._failed = ""
        told = tuple(str(text) for text in missing) if isinstance(missing, list) else ()
        log.info("put back NAT rules: %s", "; ".join(told))
        return _restored(told) if told else None

    def _moved(self, ports: HostPorts, state: NatState) -> bool:
        """True if a network or container of a setting is not where the rules lead any more.

        A dockerd that starts answers when its containers are up: look again until it does, at
        longer and longer intervals.
        """
        try:
            moved = followed(ports, state) != state
        except OperationFailed:
            self._at = time.monotonic() + self._pause
            self._pause = min(AGAIN_S, self._pause * 2)
            return False
        self._pause = BETWEEN_S
        return moved

    def _failure(self, error: str) -> RulesRestored | None:
        """Try again later; the same failure is told once."""
        # What was tried may have written rules itself, which is heard, and must not count.
        self._at = self._not_before = time.monotonic() + AGAIN_S
        if error == self._failed:
            return None
        self._failed = error
        log.warning("cannot put back NAT rules: %s", error)
        return _restored((), error)


def _restored(missing: tuple[str, ...], error: str = "") -> RulesRestored:
    return RulesRestored(datetime.now(UTC).isoformat(), missing, error)
