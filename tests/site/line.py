"""Stands for the broker where a test is about what the site does when it is there or away."""

from __future__ import annotations

from typing import Any

from hosts.models import Host
from hosts.services.broker_access import BrokerAway


class Line:
    """Stands for the broker: what was sent, what still waits, and whether it answers."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.queued: set[str] = set()
        self.away = False

    def send(self, *, host: Host, body: object, task_id: str | None = None) -> None:
        if self.away:
            raise BrokerAway()
        self.sent.append(body)

    def waiting(self, *, host: Host) -> int:
        if self.away:
            raise BrokerAway()
        return len(self.queued)

    def take_back(self, *, host: Host, task_id: str) -> bool:
        if self.away:
            raise BrokerAway()
        there = task_id in self.queued
        self.queued.discard(task_id)
        return there

    def holds(self, *, host: Host, task_id: str) -> bool:
        if self.away:
            raise BrokerAway()
        return task_id in self.queued
